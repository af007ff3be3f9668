/** What `docker inspect -f` (28.2, Go 1.24) printed for the same record. */

import { describe, expect, it } from 'vitest';
import { Template } from '../../../src/cli/print/template/template.js';

const record = {
  Name: '/web',
  State: { Running: false, Paused: false },
  Config: {
    User: '',
    WorkingDir: '/tmp',
    Env: ['A=1', 'B=two', 'PATH=/bin'],
    Labels: { a: '1', 'b.c': '<x&y>' },
  },
};

const created = {
  State: { ExitCode: 0, Health: undefined },
  Config: { Cmd: ['x', 'y'], Entrypoint: null, Volumes: null, Env: [], Labels: { a: '1' } },
  HostConfig: { Binds: null, ShmSize: 64, PortBindings: null },
};

const render = (text: string) => new Template(text, { textForm: 'as it is' }).render(record);

describe('a template prints what Docker prints', () => {
  it.each([
    ['{{define "x"}}[{{.}}]{{end}}{{range .Config.Env}}{{template "x" .}}{{end}}', '[A=1][B=two][PATH=/bin]'],
    ['{{block "b" .Config}}{{.WorkingDir}}{{end}}', '/tmp'],
    ['{{template "x"}}{{define "x"}}-{{.}}-{{end}}', '-<no value>-'],
    ['{{define "x"}}{{$}}{{end}}{{template "x" .Name}}', '/web'],
    ['{{define "a"}}A{{template "b" .}}{{end}}{{define "b"}}B{{.Name}}{{end}}{{template "a" .}}', 'AB/web'],
    ['{{range .Config.Env}}{{if eq . "B=two"}}{{break}}{{end}}{{.}};{{end}}', 'A=1;'],
    ['{{range .Config.Env}}{{if eq . "B=two"}}{{continue}}{{end}}{{.}};{{end}}', 'A=1;PATH=/bin;'],
    ['{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}', '0=A=1;1=B=two;2=PATH=/bin;'],
    ['{{$x := 0}}{{range .Config.Env}}{{$x = .}}{{end}}{{$x}}', 'PATH=/bin'],
    ['{{$i := 0}}{{range $i = .Config.Env}}{{end}}{{$i}}', 'PATH=/bin'],
    ['{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}', '1'],
    ['{{if .State.Running}}up{{else if .State.Paused}}paused{{else}}down{{end}}', 'down'],
    ['{{with .Config.User}}u{{else with .Config.WorkingDir}}{{.}}{{end}}', '/tmp'],
    ['a  {{- .Name -}}  b{{- /* c */ -}} d', 'a/webbd'],
    ['a {{- 3}} b {{-3}}', 'a3 b -3'],
    [
      "{{'a'}} {{'\\''}} {{'\\x41'}} {{'\\u00e9'}} {{'\\101'}} {{printf \"%c %d\" 'a' '\\n'}}",
      '97 39 65 233 65 a 10',
    ],
    [
      '{{0x1F}} {{0b11}} {{0o17}} {{1_000}} {{1e3}} {{1.5}} {{-1}} {{+1}} {{017}} {{.5}}',
      '31 3 15 1000 1000 1.5 -1 1 15 0.5',
    ],
    ['{{1.0}} {{1e6}} {{1e21}} {{2.50}} {{0.000001}}', '1 1e+06 1e+21 2.5 1e-06'],
    ['{{"a\\tb\\x41\\u00e9\\101\\a"}} {{"}}"}}', 'a\tbAéA\u0007 }}'],
    ['{{index .Name 1}} {{index "abc" 0}} {{index (split .Name "e") 1}}', '119 97 b'],
    ['{{slice .Config.Env 0 1 2}} {{slice .Name 1 3}} {{slice .Name 1}}', '[A=1] we web'],
    ['{{and true (eq 1 1) .Name}} {{or .Name (index .Config.Env 99)}}', '/web /web'],
    ['{{and false (index .Config.Env 99)}} {{and 1 0 2}} {{or 0 "" 3}}', 'false 0 3'],
    ['{{eq 1 2 1}} {{lt 1 2}} {{lt "a" "b"}} {{ge 1 2}} {{eq nil nil}}', 'true true true false true'],
    [
      '{{html "a" 1 "<"}} {{index .Config.Labels "b.c" | html}} {{html nil}}',
      'a1&lt; &lt;x&amp;y&gt; &lt;no value&gt;',
    ],
    ['{{js "a\'b\\"<>\\n=&"}}', 'a\\\'b\\"\\u003C\\u003E\\u000A\\u003D\\u0026'],
    ['{{urlquery "a b&c=d/é" "x"}} {{urlquery "!*()\'~"}}', 'a+b%26c%3Dd%2F%C3%A9x %21%2A%28%29%27~'],
    ['{{pad "" 1 1}}|{{pad "a" 1 1}}|', '| a |'],
    ['{{.Name}}\\n{{len .Name}}\\t.', '/web\\n4\\t.'],
    [
      '{{printf "%s %d %v %q %t %x %X %o %b %e %g %T" "a" 1 2.5 "q" true "hi" 255 8 5 1.5 2.5 "x"}}',
      'a 1 2.5 "q" true 6869 FF 10 101 1.500000e+00 2.5 string',
    ],
    [
      '{{printf "%5d|%-5d|%05d|%+d|% d|%x|%#x|%#o" 1 2 3 4 5 255 255 8}}',
      '    1|2    |00003|+4| 5|ff|0xff|010',
    ],
    [
      '{{printf "%5s|%-5s|%.2s|%5.1f|%8.3f|%-8.2f|" "a" "b" "cde" 1.25 3.14159 2.5}}',
      '    a|b    |cd|  1.2|   3.142|2.50    |',
    ],
    [
      '{{printf "%q %#q %+q %x % x %X" "a\\"b" "a" "é" "hi" "hi" "hi"}}',
      '"a\\"b" `a` "\\u00e9" 6869 68 69 6869',
    ],
    [
      '{{printf "%v %+v %#v" .Config.Env .Config.Labels "a"}}',
      '[A=1 B=two PATH=/bin] map[a:1 b.c:<x&y>] "a"',
    ],
    ['{{printf "%q" .Config.Env}}', '["A=1" "B=two" "PATH=/bin"]'],
    [
      '{{printf "%d" "a"}} {{printf "%d" 1 2}} {{printf "%d"}} {{printf "%z" 1}} {{printf "%p" 1}}',
      '%!d(string=a) 1%!(EXTRA int=2) %!d(MISSING) %!z(int=1) %!p(int=1)',
    ],
    ['{{printf "%5.1f|%3d|%4s" "ab" "a" true}}', '%!f(string=    a)|%!d(string=  a)|%!s(bool=true)'],
    ['{{printf "%*d|%[2]d %[1]d" 5 1}}', '    1|1 5'],
    [
      '{{printf "%08b %o %O %#b" 5 8 8 5}} {{printf "%U %#U %c" 65 65 66}}',
      "00000101 10 0o10 0b101 U+0041 U+0041 'A' B",
    ],
    ['{{printf "%e %E %g %G" 1234567.5 0.00001 1e21 1e-7}}', '1.234568e+06 1.000000E-05 1e+21 1E-07'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each([
    ['{{template "nope" .}}', 'template "nope" not defined'],
    ['{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}', 'exceeded maximum template depth'],
    ['{{define "x"}}a{{end}}{{define "x"}}b{{end}}', 'multiple definition of template "x"'],
    ['{{define "x"}}a', "'{{define}}' has no {{end}}"],
    ['{{if true}}{{define "x"}}{{end}}{{end}}', 'is not understood'],
    ['{{range .Config.Env}}{{define "x"}}{{end}}{{end}}', 'is not understood'],
    ['{{block "x"}}{{end}}', 'is not understood'],
    ['{{break}}', '{{break}} outside {{range}}'],
    ['{{if true}}{{continue}}{{end}}', '{{continue}} outside {{range}}'],
    ['{{range .Config.Env}}{{end}}{{break}}', '{{break}} outside {{range}}'],
    ['{{$x = 1}}', 'undefined variable: $x'],
    ['{{with .Config.User}}u{{else if true}}t{{end}}', 'is not understood'],
    ['{{range .Config.Env}}{{else if .}}{{end}}', 'is not understood'],
    ['{{nil}}', 'template: :1:2: executing "" at <nil>: nil is not a command'],
    ['{{/* c */ .Name}}', 'comment ends before closing delimiter'],
    ['{{.Name}}{{end}}', 'unexpected {{end}}'],
    ['{{if .Name}}a{{else}}b{{else}}c{{end}}', 'expected end; found {{else}}'],
    ['{{if}}x{{end}}', 'missing value for if'],
    ['{{ /* c */ }}', 'is not understood'],
    ["{{'ab'}}", 'is not understood'],
    ['{{eq "a" 1}}', 'incompatible types for comparison'],
    ['{{eq 1 1.0}}', 'incompatible types for comparison'],
    ['{{eq .Config.Env .Config.Env}}', 'non-comparable type [A=1 B=two PATH=/bin]'],
    ['{{range .State.Running}}x{{end}}', "range can't iterate over false"],
    ['{{index "abc" 9}}', 'index out of range: 9'],
    ['{{slice "abc" 0 1 2}}', 'cannot 3-index slice a string'],
  ])('and refuses what it refuses: %s', (text, problem) => {
    expect(() => render(text)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^invalid format '/) }),
    );
    try {
      render(text);
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      expect(`${message}; ${hint ?? ''}`).toContain(problem);
    }
  });

  it.each([
    ['{{len .Config.Entrypoint}} {{len .Config.Volumes}} {{len .HostConfig.Binds}}', '0 0 0'],
    ['[{{index .Config.Labels "none"}}] [{{index .Config.Volumes "none"}}]', '[] [{}]'],
    ['{{index .HostConfig.PortBindings "80/tcp"}} {{index .State "Frob"}}', '<no value> <no value>'],
    ['{{printf "%v %s %d" .HostConfig.Binds .HostConfig.Binds .Config.Entrypoint}}', '[] [] []'],
    ['{{printf "%T %T %T" .HostConfig.ShmSize .State.ExitCode 1}}', 'int64 int int'],
    [
      '{{printf "%T %T %T" .Config.Cmd .Config.Labels .Config.Env}}',
      'strslice.StrSlice map[string]string []string',
    ],
    [
      '{{printf "%s %d %x" .HostConfig.ShmSize .HostConfig.ShmSize .HostConfig.ShmSize}}',
      '%!s(int64=64) 64 40',
    ],
    ['{{eq .HostConfig.ShmSize 64}} {{gt .HostConfig.ShmSize 5}} {{eq .State.ExitCode 0}}', 'true true true'],
    ['{{title "a big-world x_y o\'neill"}}', "A Big-World X_y O'Neill"],
    ['{{json 1.5}} {{json nil}}', '1.5 null'],
    ['{{range .State}}[{{.}}]{{end}}', '[0]'],
    ['{{range .HostConfig.Binds}}x{{else}}none{{end}}', 'none'],
  ])('of what is absent, and of numbers: %s', (text, expected) => {
    expect(new Template(text, { textForm: 'as it is' }).render(created)).toBe(expected);
  });

  it.each([
    ['{{len nil}}', 'at <len nil>: error calling len: reflect: call of reflect.Value.Type on zero Value'],
    ['{{len true}}', ':1:2: executing "" at <len true>: error calling len: len of type bool'],
    [
      '{{index .HostConfig.Binds 0}}',
      'at <index .HostConfig.Binds 0>: error calling index: index of untyped nil',
    ],
    ['{{index .Config.Cmd 2}}', 'error calling index: reflect: slice index out of range'],
    ['{{index .Config.Cmd 3}}', 'error calling index: index out of range: 3'],
    ['{{index .Config.Cmd -1}}', 'error calling index: index out of range: -1'],
    ['{{index .Config.Cmd "a"}}', 'error calling index: cannot index slice/array with type string'],
    ['{{index .Config.Labels 1}}', 'error calling index: value has type int; should be string'],
    ['{{slice .Config.Cmd 3}}', 'error calling slice: index out of range: 3'],
    ['{{slice .Config.Cmd 1 0}}', 'error calling slice: invalid slice index: 1 > 0'],
    ['{{slice .State 1}}', "error calling slice: can't slice item of type map[string]interface {}"],
    ['{{lt .HostConfig.ShmSize 1.5}}', 'error calling lt: incompatible types for comparison'],
    ['{{lt true false}}', 'error calling lt: invalid type for comparison'],
    ['{{eq .Config.Cmd .Config.Cmd}}', 'error calling eq: non-comparable type [x y]: []interface {}'],
    ['{{eq 1}}', 'error calling eq: missing argument for comparison'],
    ['{{not}}', ':1:2: executing "" at <not>: wrong number of args for not: want 1 got 0'],
    ['{{json 1 2}}', 'at <json>: wrong number of args for json: want 1 got 2'],
    [
      '{{lower .State.ExitCode}}',
      ':1:14: executing "" at <.State.ExitCode>: wrong type for value; expected string; got json.Number',
    ],
    ['{{upper .Config.Cmd}}', 'at <.Config.Cmd>: wrong type for value; expected string; got []interface {}'],
    ['{{join .Config.Labels ","}}', 'expected []string; got map[string]interface {}'],
    ['{{lower 1}}', ':1:8: executing "" at <1>: expected string; found 1'],
    ['{{truncate "abc" "a"}}', ':1:17: executing "" at <"a">: expected integer; found "a"'],
    ['{{pad "a" -1 0}}', 'error calling pad: strings: negative Repeat count'],
    ['{{truncate "abc" -1}}', 'error calling truncate: runtime error: slice bounds out of range [:-1]'],
    ['{{range .State.ExitCode | printf "%d"}}{{end}}', 'at <printf "%d">: range can\'t iterate over 0'],
    ['{{.Config.Cmd.Foo}}', ':1:9: executing "" at <.Config.Cmd.Foo>: can\'t evaluate field Foo'],
  ])("says what it says of a mistake's place and kind: %s", (text, problem) => {
    expect(() => new Template(text, { textForm: 'as it is' }).render(created)).toThrow(problem);
  });

  it('knows the names that a template of its own takes from the record', () => {
    const text = '{{define "x"}}{{.A}}{{template "x" .}}{{end}}{{template "x" .}}{{template "x" .B}}';
    expect(new Template(text).rootKeys()).toEqual(['A', 'B']);
  });
});
