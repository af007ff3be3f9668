import { describe, expect, it } from 'vitest';
import { Template } from '../../../src/cli/template/template.js';

const record = {
  Id: 'abc',
  Name: 'web',
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
    ['{{ $.Id }}', 'abc'],
    ['{{json .State.Running}} {{json .Config.Env}} {{.Config.Env}}', 'true ["A=1","B=2"] ["A=1","B=2"]'],
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
    ['{{.Nome}}', "there is no 'Nome'; there are Id, Name, State, Mounts, Config"],
    ['{{.State.Nome}}', "there is no 'Nome'; there are Status, Pid, Running, Error"],
    ['{{.Name.More}}', "there is no 'More'; it is no record"],
    ['{{$x}}', "there is no '$x'"],
    ['{{nope .Name}}', "there is no function 'nope'; there are json, join, split"],
    ['{{if .State.Error}}{{nope 1}}{{end}}', "there is no function 'nope'; "],
    ['{{join .Name}}', "'join' takes 2, not 1"],
    ['{{join .Name ","}}', '\'join\' wants a list, not "web"'],
    ['{{index .Mounts 7}}', 'index out of range: 7 of 2'],
    ['{{range .Name}}{{end}}', '\'range\' wants a list or a record, not "web"'],
    ['{{range .Mounts}}', "'{{range}}' has no {{end}}"],
    ['{{if .Name}}{{else}}', "'{{if}}' has no {{end}}"],
    ['{{end}}', "'{{end}}' closes nothing"],
    ['{{.Name', "'{{.Name' is not understood"],
    ['{{}}', "'{{}}' is not understood"],
    ['{{.Name .Id}}', "'.Name' takes no arguments"],
    ['{{.Name | .Id}}', "'{{.Name | .Id}}' is not understood"],
    ['{{"bad\\q"}}', 'is not understood'],
    ['{{.A-B}}', "'{{.A-B}}' is not understood"],
    ['{{lt "a" 1}}', 'only two numbers or two texts can be compared'],
    ['{{printf "%z" 1}}', "'%z' is none of %s %v %d %t %q %x"],
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

  it('knows which keys it takes from the record itself', () => {
    const text =
      '{{.A}}{{range .B}}{{.C}}{{else}}{{.D}}{{end}}{{if .E}}{{$.F.G}}{{end}}{{with .H}}{{.I}}{{end}}{{json .}}';
    expect(new Template(text).rootKeys()).toEqual(['A', 'B', 'D', 'E', 'F', 'H']);
  });
});
