/** Wrong input: status 1, one exact line, and nothing left: no mount, no run directory, no file. */

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WARNING } from '../../src/engine/fuse-native/native-limits.js';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeAll(() => {
  bench = new Workbench('l1/sub', 'l2', 'u/in', 'm', 'w');
  writeFileSync(join(bench.root, 'file'), '');
  writeFileSync(join(bench.root, 'l1/low'), '');
  symlinkSync('loop', join(bench.root, 'l1/loop'));
  symlinkSync('sub', join(bench.root, 'l1/to-sub'));
  mkdirSync(join(bench.root, 'state/volumes'), { recursive: true });
  writeFileSync(join(bench.root, 'layer.tar'), '');
});

afterAll(() => bench.dispose());

const cannot = "plyfs mount: cannot mount on '/m': ";

/** A mount of l1 with the arguments, volumes kept in the scratch directory. */
function specs(args: string[], line: string): [args: string[], line: string][] {
  return [[['mount', '-l', 'l1', '--root', 'state', ...args, 'm'], `plyfs mount: ${line}`]];
}

const table: [args: string[], line: string][] = [
  [
    ['mount', 'm'],
    `${cannot}no layer and no upper is given; add -l DIR or --upper DIR, in /etc/fstab lowerdir=DIR`,
  ],
  [['mount'], "plyfs mount: missing required argument 'mountpoint'; see 'plyfs mount --help'"],
  [['mount', '--uper', 'u', 'm'], "plyfs mount: unknown option '--uper'; did you mean '--upper'?"],
  [['mount', '-l', './nope', 'm'], `${cannot}layer '/nope': no such directory`],
  [
    ['mount', '--root', 'state', '-l', 'nope', 'm'],
    "plyfs mount: no such layer: 'nope' is neither a path nor an image; 'plyfs image ls' shows the images there are",
  ],
  [
    ['mount', '--root', 'state', '-l', 'file', 'm'],
    "plyfs mount: cannot use '/file' as a layer: invalid tar: it ends too early: the file is truncated",
  ],
  [
    ['mount', '-o', 'lowerdir=layer.tar', 'm'],
    `${cannot}layer '/layer.tar': not a directory; a layer tar is given with -l, which unpacks it`,
  ],
  [['mount', '-l', '', 'm'], 'plyfs mount: the layer is an empty path'],
  [['mount', '-l', 'l1', ''], 'plyfs mount: the mount point is an empty path'],
  [
    ['mount', '-l', 'l1', 'nope'],
    "plyfs mount: cannot mount on '/nope': no such directory; mkdir -p '/nope'",
  ],
  [['mount', '-l', 'l1', 'file'], "plyfs mount: cannot mount on '/file': not a directory"],
  [['mount', '-l', 'l1', 'l1/sub'], "plyfs mount: cannot mount on '/l1/sub': it lies inside layer '/l1'"],
  [['mount', '-l', 'l1', '-l', 'l1', 'm'], `${cannot}layer '/l1' is given twice`],
  [['mount', '-l', 'l1', '-l', 'l1/sub', 'm'], `${cannot}layer '/l1/sub' lies inside layer '/l1'`],
  [
    ['mount', '-l', 'l1', '--upper', 'nope', 'm'],
    `${cannot}upper '/nope': no such directory; mkdir -p '/nope'`,
  ],
  [['mount', '-l', 'l1', '--upper', 'file', 'm'], `${cannot}upper '/file': not a directory`],
  [['mount', '-l', 'l1', '--upper', 'l1', 'm'], `${cannot}upper '/l1' is a layer too`],
  [['mount', '-l', 'l1', '--upper', 'l1/sub', 'm'], `${cannot}upper '/l1/sub' lies inside layer '/l1'`],
  [['mount', '-l', 'l1/sub', '--upper', 'l1', 'm'], `${cannot}layer '/l1/sub' lies inside upper '/l1'`],
  [
    ['mount', '-l', 'l1', '--upper', 'u', '--work', 'u/in', 'm'],
    `${cannot}upper '/u' and work '/u/in' must be separate trees`,
  ],
  [
    ['mount', '-l', 'l1', '--upper', 'u', '--work', 'no/w', 'm'],
    `${cannot}work '/no/w': no such directory; mkdir -p '/no/w'`,
  ],
  [
    ['mount', '-l', 'l1', '--upper', 'u', '--work', '/proc/w', 'm'],
    `${cannot}work '/proc/w' and upper '/u' are on different file systems; choose a work directory beside upper`,
  ],
  [
    ['mount', '-l', 'l1', '--work', 'w', 'm'],
    `${cannot}work '/w' is given without an upper; add --upper DIR`,
  ],
  [
    ['mount', '-l', 'l1', '--upper', 'u', 'u/in'],
    "plyfs mount: cannot mount on '/u/in': it lies inside upper '/u'",
  ],
  [
    ['mount', '-l', 'l1', '--engine', 'fuse-native', '-o', 'allow_other', 'm'],
    `plyfs mount: ${WARNING}\n${cannot}engine 'fuse-native' serves one user, since it does not learn who asks: no allow_other; use --engine kernel`,
  ],
  [
    ['mount', '-l', 'l1', '--engine', 'fuse-native', '-o', 'nodiratime', 'm'],
    `plyfs mount: ${WARNING}\n${cannot}engine 'fuse-native' has no option nodiratime, which libfuse 2 does not know; use --engine kernel`,
  ],
  [
    ['mount', '-l', 'l1', '--engine', 'x', 'm'],
    "plyfs mount: option '--engine <name>' argument 'x' is invalid; choose kernel, fuse-native",
  ],
  [
    ['mount', '-l', 'l1', '-o', 'lowerdir=l2', 'm'],
    'plyfs mount: cannot mix -l with -o lowerdir=; -l stacks bottom first, lowerdir= top first',
  ],
  [
    ['mount', '-l', 'l1', '-o', 'nonsense', 'm'],
    "plyfs mount: unknown mount option 'nonsense'; 'plyfs mount --help' has them",
  ],
  [
    ['mount', '-l', 'l1', '-v', '/nope-plyfs:/x', 'm'],
    'plyfs mount: invalid mount config for type "bind": bind source path does not exist: /nope-plyfs; create it, or add bind-create-src: --mount type=bind,src=/nope-plyfs,dst=/x,bind-create-src',
  ],
  [['mount', '-l', 'l1', '-v', 'aa:/x', '-v', 'bb:/x', 'm'], 'plyfs mount: Duplicate mount point: /x'],
  ...specs(['-v', 'a:b:c:d'], "invalid volume specification: 'a:b:c:d'; write [SOURCE:]TARGET[:MODES]"),
  ...specs(['-v', '/l2:/x:foo'], "invalid volume specification: '/l2:/x:foo': invalid mode: foo"),
  ...specs(['-v', '/l2:/x:ro,rw'], "invalid volume specification: '/l2:/x:ro,rw': invalid mode: ro,rw"),
  ...specs(
    ['-v', '/l2:x'],
    `invalid volume specification: '/l2:x': invalid mount config for type "bind": invalid mount path: 'x' mount path must be absolute`,
  ),
  ...specs(
    ['-v', '/l2:/'],
    `invalid volume specification: '/l2:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
  ),
  ...specs(
    ['-v', 'aa:/low'],
    "cannot mount 'aa:/low': '/low' would be a directory over a file; source and target must both be files or both be directories",
  ),
  ...specs(
    ['-v', './file:/sub'],
    "cannot mount './file:/sub': '/sub' would be a file over a directory; source and target must both be files or both be directories",
  ),
  ...specs(['-v', './l2:/low/x'], "cannot mount './l2:/low/x': 'low' in '/low/x' is not a directory"),
  ...specs(['-v', './l2:/loop/x'], "cannot mount './l2:/loop/x': too many symbolic links"),
  ...specs(
    ['-v', './l2:/to-sub/x', '-v', 'aa:/sub/x'],
    'Duplicate mount point: /sub/x; symlinks of the layers lead two targets to one place',
  ),
  ...specs(
    ['--mount', 'type=volume,src=aa,dst=/x,volume-subpath=no'],
    "cannot mount 'type=volume,src=aa,dst=/x,volume-subpath=no': cannot open volume-subpath 'no': no such file or directory",
  ),
  ...specs(
    ['--mount', 'type=bind,src=./made/deep,dst=/low,bind-create-src'],
    "cannot mount 'type=bind,src=./made/deep,dst=/low,bind-create-src': '/low' would be a directory over a file; source and target must both be files or both be directories",
  ),
  ...specs(
    ['--mount', 'foo=bar,dst=/x'],
    `invalid argument "foo=bar,dst=/x" for "--mount" flag: unknown option 'foo' in 'foo=bar'`,
  ),
  ...specs(
    ['--mount', 'type=bind,source'],
    `invalid argument "type=bind,source" for "--mount" flag: invalid field 'source' must be a key=value pair`,
  ),
  ...specs(
    ['--mount', 'type=bind,src=,dst=/x'],
    `invalid argument "type=bind,src=,dst=/x" for "--mount" flag: invalid value for 'src': value is empty`,
  ),
  ...specs(
    ['--mount', 'type=bind,src=./l2,dst=/x,volume-nocopy'],
    `invalid argument "type=bind,src=./l2,dst=/x,volume-nocopy" for "--mount" flag: cannot mix 'volume-*' options with mount type 'bind'`,
  ),
  ...specs(['--tmpfs', '/x:foo=1'], "invalid tmpfs specification: '/x:foo=1': invalid tmpfs option: 'foo=1'"),
  [
    ['umount', 'm'],
    "plyfs umount: cannot unmount '/m': not the mount point of a plyfs mount; 'plyfs mounts' lists them",
  ],
  [['umount'], "plyfs umount: missing required argument 'mountpoint'; see 'plyfs umount --help'"],
  [['why', 'm/x'], "plyfs why: cannot explain '/m/x': no plyfs mount holds it; 'plyfs mounts' lists them"],
  [
    ['mounts', '--format', '{{'],
    "plyfs mounts: invalid format '{{': template: :1: unclosed action; write {{.Key}}, {{json .}} or {{range .List}}{{.Key}} {{end}}",
  ],
  [['frob'], "plyfs: unknown command 'frob'; see 'plyfs --help'"],
];

describe('wrong input', () => {
  it.each(table)('plyfs %j', (args, line) => {
    const before = readdirSync(bench.root).filter((name) => name !== 'run');
    expect(bench.plyfs(...args)).toEqual({ code: 1, stdout: '', stderr: `${line}\n` });
    expect(bench.mounted()).toEqual([]);
    expect(bench.runIds()).toEqual([]);
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual([]);
    expect(readdirSync(bench.root).filter((name) => name !== 'run')).toEqual(before);
  });

  it('is one line also when a name holds a newline, and --debug adds the stack', () => {
    expect(bench.plyfs('mount', '-l', './a\nb', 'm').stderr).toBe(
      `${cannot}layer '/a'$'\\n''b': no such directory\n`,
    );
    expect(bench.plyfs('mount', '--debug', '-l', './a', 'm').stderr).toMatch(
      /no such directory\n.*\n {4}at /,
    );
  });

  it('goes on with the next mount point of umount', () => {
    const { code, stderr } = bench.plyfs('umount', 'm', 'l1');
    expect([code, stderr.trimEnd().split('\n').length]).toEqual([1, 2]);
  });
});

describe('help', () => {
  it.each(['mount', 'umount', 'mounts', 'why', 'doctor'])('of %s has examples', (command) => {
    const { code, stdout } = bench.plyfs(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}plyfs ${command}`));
  });

  it('shows the version', () => {
    expect(bench.plyfs('--version').stdout).toMatch(/^plyfs \d+\.\d+\.\d+\n$/);
  });
});
