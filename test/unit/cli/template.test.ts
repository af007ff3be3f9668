import { describe, expect, it } from 'vitest';
import { withSortedMaps } from '../../../src/cli/print/free-maps.js';
import { Template } from '../../../src/cli/print/template/template.js';

const record = {
  Id: 'abc',
  Name: 'web',
  LogConfig: { Type: 'json-file', Config: {} },
  State: { Status: 'running', Pid: 12, Running: true, Error: '' },
  Mounts: [
    { Type: 'bind', Source: '/srv', Destination: '/data', RW: true },
    { Type: 'volume', Name: 'vol', Destination: '/v', RW: false },
  ],
  Config: { Env: ['A=1', 'B=2'], Labels: { 'com.x/y': 'z', team: 'sea' }, Cmd: [] },
};

const render = (text: string) => new Template(text).render(record);

describe('a template', () => {
  it.each([
    ['plain', 'plain'],
    ['{{.Name}} {{.State.Status}}\\t{{.State.Pid}}\\n', 'web running\t12\n'],
    ['{{ $.Id }} {{.ID}} {{range .Mounts}}{{.Type}}{{end}}', 'abc abc bindvolume'],
    ['{{.LogConfig}} {{.LogConfig.Config.none}}', '{json-file map[]} <no value>'],
    ['{{json .State.Running}} {{json .Config.Env}} {{.Config.Env}}', 'true ["A=1","B=2"] [A=1 B=2]'],
    ['{{range .Mounts}}{{.Destination}} {{end}}', '/data /v '],
    ['{{range $i, $m := .Mounts}}{{if $i}}, {{end}}{{$m.Type}}{{end}}', 'bind, volume'],
    ['{{range $m := .Mounts}}{{$m.Destination}}:{{$.Name}} {{end}}', '/data:web /v:web '],
    ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
    ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'com.x/y=z;team=sea;'],
    ['{{index .Config.Labels "com.x/y"}}|{{index .Config.Labels "none"}}', 'z|'],
    ['{{(index .Mounts 1).Name}} {{index .Config.Env 0}}', 'vol A=1'],
    ['{{.Config.Label "team"}}', 'sea'],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{if .State.Error}}e{{else if eq .State.Status "dead" "running"}}r{{else}}x{{end}}', 'r'],
    ['{{if and .State.Running (gt .State.Pid 10)}}a{{end}}{{if or .State.Error false}}b{{end}}', 'a'],
    ['{{if not .State.Error}}fine{{end}} {{ne .Name "db"}}', 'fine true'],
    ['{{range .Mounts}}[{{.Name}}]{{end}}{{(index .Mounts 0).Name}}', '[][vol]'],
    ['{{with .State}}{{.Status}} of {{$.Name}}{{end}}', 'running of web'],
    ['{{with $s := .State.Pid}}{{$s}}{{end}}', '12'],
    ['{{$x := .Name}}{{$x}}{{$x = "other"}}{{$x}}', 'webother'],
    ['{{join .Config.Env ","}} {{upper .Name}} {{.Name | title | printf "<%s>"}}', 'A=1,B=2 WEB <Web>'],
    ['{{printf "%.2s|%.0s|%5.1f|%.1v" "abc" "x" 2.25 .Name}}', 'ab||  2.2|w'],
    ['{{printf "%d|%s|%t|%s" "a" 7 true}}', '%!d(string=a)|%!s(int=7)|true|%!s(MISSING)'],
    ['{{printf "%-6s|%4d|%05d|%q|%v%%" .Name 7 42 "a b" true}}', 'web   |   7|00042|"a b"|true%'],
    ['{{len .Mounts}} {{len .Name}} {{truncate .Name 2}} {{pad "x" 1 2}}|', '2 3 we  x  |'],
    ['{{index (split "a:b" ":") 1}} {{slice .Name 1 3}} {{println "x" 1}}', 'b eb x 1\n'],
    ['a  {{- /* gone */ -}}  b', 'ab'],
    ['a {{- .Name -}} b {{- "c" }}', 'awebbc'],
    ['{{.Config.Labels.none}}', '<no value>'],
    ['{{"{{"}} {{`raw\\d`}} {{"\\u00e9"}}', '{{ raw\\d é'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each([
    [
      '{{.Nome}}',
      'template: :1:2: executing "" at <.Nome>: map has no entry for key "Nome"; there are Id, Name, LogConfig, State',
    ],
    [
      '{{.State.Nome}}',
      'template: :1:8: executing "" at <.State.Nome>: map has no entry for key "Nome"; there are Status',
    ],
    ['{{.Name.More}}', 'template: :1:7: executing "" at <.Name.More>: can\'t evaluate field More'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{nope .Name}}', 'template: :1: function "nope" not defined; there are json, join, split'],
    ['{{if .State.Error}}{{nope 1}}{{end}}', 'template: :1: function "nope" not defined; '],
    ['{{join .Name}}', 'wrong number of args for join: want 2 got 1'],
    ['{{join .Name ","}}', 'at <.Name>: wrong type for value; expected []string; got string'],
    ['{{index .Mounts 7}}', 'error calling index: index out of range: 7'],
    ['{{range .Name}}{{end}}', "range can't iterate over web"],
    ['{{range .Mounts}}', "template: :1: unexpected EOF; '{{range}}' has no {{end}}"],
    ['{{if .Name}}{{else}}', "template: :1: unexpected EOF; '{{if}}' has no {{end}}"],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{.Name', 'template: :1: unclosed action'],
    ['{{}}', 'missing value for command'],
    ['{{.Name .Id}}', "'.Name' takes no arguments"],
    ['{{.Name | .Id}}', "'{{.Name | .Id}}' is not understood"],
    ['{{"bad\\q"}}', 'is not understood'],
    ['{{.A-B}}', "'{{.A-B}}' is not understood"],
    ['{{lt "a" 1}}', 'incompatible types for comparison'],
    ['{{printf "%42949672955d" 1}}', "'%d' is wider than 1000000"],
    ['{{pad "a" 0 42949672955}}', '42949672955 is more than 1000000'],
  ])('%s is refused in one line', (text, problem) => {
    const attempt = () => render(text);
    expect(attempt).toThrow(/^invalid format '/);
    try {
      attempt();
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      expect(`${message}; ${hint ?? ''}`).toContain(problem);
      expect(message).not.toContain('\n');
    }
  });

  it.each([
    ['{{.List}} {{.Labels}} {{.Nested}} {{.State}}', '[a b] map[a:1 b:two] [{[1 2]}] {<nil>}'],
    [
      '[{{.Config.Entrypoint}}] [{{.Config.Volumes}}] [{{.State.Health}}] [{{.Config.StopSignal}}]',
      '[[]] [map[]] [<nil>] []',
    ],
    ['{{json .Config.Entrypoint}} {{len .Config.Entrypoint}}', 'null 0'],
    ['{{range .Config.Entrypoint}}x{{else}}none{{end}} {{if .Config.Volumes}}y{{else}}n{{end}}', 'none n'],
    ['{{index .Config.Volumes "x"}}|{{index .Labels "x"}}|{{join .Config.Entrypoint ","}}', '{}||'],
    ['{{print 1 2 "x" 3}} {{println .List 1}}', '1 2x3 [a b] 1\n'],
    ['{{html "<a>"}} {{urlquery "a b"}}', '&lt;a&gt; a+b'],
  ])('prints as Go does: %s', (text, expected) => {
    const record = {
      List: ['a', 'b'],
      Labels: { b: 'two', a: 1 },
      Nested: [{ x: [1, 2] }],
      State: { Health: undefined },
      Config: { Entrypoint: null, Volumes: null, StopSignal: undefined },
    };
    expect(new Template(text).render(record)).toBe(expected);
  });

  it('knows which keys it takes from the record itself', () => {
    const text =
      '{{.A}}{{range .B}}{{.C}}{{else}}{{.D}}{{end}}{{if .E}}{{$.F.G}}{{end}}{{with .H}}{{.I}}{{end}}{{json .}}';
    expect(new Template(text).rootKeys()).toEqual(['A', 'B', 'D', 'E', 'F', 'H']);
  });
});

describe('withSortedMaps()', () => {
  it("puts the user's maps in the order of their keys, also below lists, and leaves records as they are", () => {
    const Labels = { zz: '1', Aa: '2', é: '3', aa: '4' };
    const sorted = withSortedMaps({
      Name: 'x',
      Config: { Labels, Cmd: ['b', 'a'] },
      All: [{ Labels }],
      LogConfig: { Type: 't', Config: { 'max-size': '1', 'max-file': '2' } },
      Absent: undefined,
    });
    const maps = '{"Aa":"2","aa":"4","zz":"1","é":"3"}';
    expect(JSON.stringify(sorted)).toBe(
      `{"Name":"x","Config":{"Labels":${maps},"Cmd":["b","a"]},"All":[{"Labels":${maps}}],` +
        '"LogConfig":{"Type":"t","Config":{"max-file":"2","max-size":"1"}}}',
    );
    expect(Object.keys(sorted)).toContain('Absent');
  });
});
