/** What stands on the command line: mount options, `-v`, `--mount`, `--tmpfs`, `--format`. */

import { Template } from '../../../src/cli/print/template/template.js';
import { parseEitherSpec } from '../../../src/mounts/request/either-spec.js';
import { parseMountSpec } from '../../../src/mounts/request/mount-spec.js';
import { parseOverlayOptions } from '../../../src/mounts/request/overlay-options.js';
import { collectNotices, planMounts } from '../../../src/mounts/request/plan.js';
import { parseTmpfsSpec } from '../../../src/mounts/request/tmpfs-spec.js';
import type { MountRequest } from '../../../src/mounts/request/types.js';
import { parseVolumeSpec } from '../../../src/mounts/request/volume-spec.js';
import type { Target } from '../target.js';

const context = { cwd: '/work', memoryBytes: 2 ** 33 };

const options: Target = {
  name: 'mount-options',
  seeds: [
    'lowerdir=/a:/b,upperdir=/u,workdir=/w',
    'lowerdir=/a\\:b:/c\\,d,ro,nosuid,nodev',
    'redirect_dir=on,index=off,metacopy=on,xino=auto,userxattr',
    'lowerdir+=/a,datadir+=/d,volatile,squash_to_uid=0,uidmapping=0:1000:10,timeout=5s',
  ],
  words: [
    ...['lowerdir=', 'upperdir=', 'workdir=', 'lowerdir+=', 'datadir+=', ':', '::', ',', '\\', '=', '/a'],
    ...['ro', 'rw', 'redirect_dir=', 'index=', 'xino=', 'squash_to_gid=', 'gidmapping=', 'on', 'off'],
  ],
  run: (input) => void parseOverlayOptions(input.toString().split('\n'), '/work'),
};

const SPEC_WORDS = [
  ...['type=', 'bind', 'volume', 'tmpfs', 'image', 'source=', 'src=', 'target=', 'dst=', 'destination='],
  ...[
    'readonly',
    'ro',
    'rw',
    'bind-propagation=',
    'rshared',
    'volume-opt=',
    'volume-label=',
    'volume-nocopy',
  ],
  ...['volume-subpath=', 'image-subpath=', 'tmpfs-size=', 'tmpfs-mode=', 'uidmap=', 'gidmap=', 'squash=0:0'],
  ...[
    'timeout=',
    'size=',
    '50%',
    '64m',
    '1777',
    '"',
    '""',
    ',',
    ':',
    '=',
    '/',
    '/a',
    '..',
    'true',
    '0x1',
    'z',
  ],
];

function specs(name: string, parse: (text: string) => MountRequest, seeds: readonly string[]): Target {
  const run = (input: Buffer): void => {
    const requests = input.toString().split('\n').map(parse);
    collectNotices(requests);
    planMounts(requests, (path) => (path.length % 2 === 0 ? 'directory' : 'file'));
  };
  return { name, seeds, words: SPEC_WORDS, run };
}

const KEYS = {
  Name: 'a\nb',
  Number: 3,
  No: null,
  Labels: { a: '1', b: '' },
  List: ['x', 'y'],
  Mounts: [{ Type: 'bind', Source: '/a' }, { Type: 'tmpfs' }],
  State: { Pid: 0, Running: false },
};

const templates: Target = {
  name: 'templates',
  seeds: [
    '{{.Name}}\t{{json .Labels}}',
    '{{range $i, $m := .Mounts}}{{$i}}:{{$m.Type}}{{else}}none{{end}}',
    '{{if and .State.Running (gt .Number 2)}}up{{else if .No}}x{{else}}down{{end}}',
    '{{with .State}}{{.Pid}}{{end}}{{.Label "a"}}{{index .Labels "b"}}',
    '{{printf "%-10s|%5d|%q" .Name .Number (join .List ",")}}',
    '{{- .Name | upper | truncate 3 -}}{{slice .Name 0 1}}{{/* c */}}{{pad .Name 1 2}}',
  ],
  words: [
    ...[
      '{{',
      '}}',
      '{{-',
      '-}}',
      '{{end}}',
      '{{else}}',
      'range',
      'with',
      'if',
      '.',
      '.Name',
      '.Labels',
      '$x',
      ':=',
    ],
    ...[
      '|',
      '(',
      ')',
      '"',
      '`',
      '\\',
      'index',
      'slice',
      'len',
      'printf',
      'println',
      'eq',
      'lt',
      'not',
      'json',
    ],
    ...[
      'split',
      'pad',
      'title',
      'truncate',
      'html',
      'js',
      'urlquery',
      '%5d',
      '999999999',
      '-1',
      '/*',
      '*/',
      "'a'",
    ],
  ],
  run: (input) => void new Template(input.toString()).render(KEYS),
};

export const commandTargets: readonly Target[] = [
  options,
  specs('volume-specs', (text) => parseVolumeSpec(text, context), [
    '/a:/b:ro,z',
    'data:/data:nocopy',
    '/anonymous',
    './x:/y:rw,rshared,cached',
    '/a:/b:uidmap=0:1:2',
  ]),
  specs('mount-specs', (text) => parseMountSpec(text, context), [
    'type=bind,source=/a,target=/b,readonly,bind-propagation=rslave',
    'type=volume,src=v,dst=/v,volume-opt=type=nfs,"volume-opt=o=addr=1,rw",volume-label=a=b',
    'type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777',
    'type=image,source=debian,target=/i,image-subpath=etc',
    'type=bind,src=/a,dst=/b,uidmap=0:1000:1,gidmap=0:1000:1,timeout=5s',
  ]),
  specs('tmpfs-specs', (text) => parseTmpfsSpec(text, context), [
    '/t:size=50%,mode=1777,noexec',
    '/t',
    '/t:uid=1,gid=2,nr_inodes=10',
  ]),
  specs('either-specs', (text) => parseEitherSpec(text, context), [
    'type=bind,src=/a,dst=/b',
    '/a:/b:ro',
    'v:/v',
  ]),
  templates,
];
