/** Tars, what is in their headers, JSON of images, names of images, headers of registries. */

import { decodePax, decodePaxTime, noRecords, xattrsOf } from '../../../src/archive/tar/pax.js';
import { TarReader } from '../../../src/archive/tar/reader.js';
import { sparseFromPax } from '../../../src/archive/tar/sparse.js';
import { checkIndex, checkManifest, parseJson, readImageConfig } from '../../../src/image/oci/image-json.js';
import {
  formatReference,
  parseImageName,
  parseReference,
  shortName,
} from '../../../src/image/oci/reference.js';
import { retryAfterMs } from '../../../src/image/registry/retry.js';
import { parseChallenges } from '../../../src/image/registry/sign-in/challenge.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { isRefusal, type Target } from '../target.js';

const tars: Target = {
  name: 'tars',
  seeds: [
    tarBytes(
      { name: 'f', content: 'x'.repeat(700) },
      { name: 'd/', type: '5' },
      { name: 'l', type: '2', link: 'f' },
    ),
    tarBytes({ name: `${'n'.repeat(120)}`, content: 'é' }),
    tarBytes({ name: 'f', pax: { path: 'other/name', 'SCHILY.xattr.user.a': 'b', 'GNU.sparse.map': '0,1' } }),
  ],
  words: [
    'ustar\0',
    'ustar  ',
    '0000644\0',
    '77777777777\0',
    '\x80\0\0\0',
    'L',
    'K',
    'x',
    'g',
    'S',
    '../',
    '/',
  ],
  run(bytes) {
    const input = withChecksums(bytes);
    for (const size of [input.length, 512, 7]) {
      const reader = new TarReader({ entry: () => undefined, data: () => undefined, end: () => undefined });
      for (let at = 0; at < input.length; at += Math.max(size, 1))
        reader.write(input.subarray(at, at + size));
      reader.finish({ wantsEnd: size === 512 });
    }
  },
};

/** Or each change of a header would end at its checksum. */
function withChecksums(bytes: Buffer): Buffer {
  const tar = Buffer.from(bytes);
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    tar.fill(' ', at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return tar;
}

const pax: Target = {
  name: 'pax',
  seeds: [
    '20 path=other/name\n',
    '21 mtime=1.123456789\n25 SCHILY.xattr.user.a=b\n',
    '22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=9\n',
    '22 GNU.sparse.offset=0\n27 GNU.sparse.numbytes=512\n',
    '27 GNU.sparse.map=0,1,2,3\n',
  ],
  words: [
    '=',
    '\n',
    ' ',
    'path',
    'linkpath',
    'size',
    'uid',
    'mtime',
    'SCHILY.xattr.',
    'LIBARCHIVE.xattr.',
    'GNU.sparse.map',
    '99',
  ],
  run(input) {
    const records = noRecords();
    decodePax(input, records);
    xattrsOf(records.values);
    sparseFromPax(records);
    for (const value of records.values.values()) {
      try {
        decodePaxTime(value);
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
  },
};

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: DIGEST, size: 1 };

/** A first byte chooses what the JSON is to be. */
const json: Target = {
  name: 'image-json',
  seeds: [
    `0${JSON.stringify({ schemaVersion: 2, manifests: [{ ...layer, annotations: { a: 'b' }, platform: { os: 'linux', architecture: 'amd64' } }] })}`,
    `1${JSON.stringify({ schemaVersion: 2, config: layer, layers: [layer] })}`,
    `2${JSON.stringify({ created: '2026-01-01T00:00:00Z', os: 'linux', config: { Env: ['A=b'], Cmd: ['x'], Volumes: { '/v': {} }, Labels: { a: 'b' } }, rootfs: { type: 'layers', diff_ids: [DIGEST] }, history: [{ created_by: 'x', empty_layer: true }] })}`,
  ],
  words: [
    'null',
    'true',
    '0',
    '""',
    '[]',
    '{}',
    '-1',
    '1e309',
    '"a"',
    DIGEST,
    '__proto__',
    'Healthcheck',
    'layers',
    'urls',
  ],
  run(input) {
    const value = parseJson(input.subarray(1), 'it');
    const read = [checkIndex, checkManifest, readImageConfig][(input[0] ?? 0) % 3]!;
    const result = (read as (value: unknown, what: string) => unknown)(value, 'it');
    JSON.stringify(result);
  },
};

const references: Target = {
  name: 'references',
  seeds: [
    'debian',
    'localhost:5000/a/b:tag',
    `example.com/a@${DIGEST}`,
    'docker.io/library/x:1',
    '[::1]:5000/a',
  ],
  words: [
    'docker.io/',
    'library/',
    ':',
    '/',
    '@',
    'sha256:',
    DIGEST,
    '.',
    '-',
    '__',
    'A',
    '[',
    ']',
    '%',
    '\n',
  ],
  run(input) {
    const text = input.toString();
    const shown = formatReference(parseReference(text));
    if (formatReference(parseReference(shown)) !== shown) throw new Error(`'${shown}' is read as another`);
    shortName(shown);
    parseImageName(text);
  },
};

const headers: Target = {
  name: 'registry-headers',
  seeds: [
    'Bearer realm="https://a/t",service="s",scope="repository:a:pull"',
    'Basic realm=x, Digest a="b\\"c"',
    '120',
  ],
  words: [
    'Bearer ',
    'Basic ',
    'realm=',
    '"',
    '\\',
    ',',
    '=',
    ' ',
    '\t',
    'error="x"',
    'Wed, 21 Oct 2026 07:28:00 GMT',
  ],
  run(input) {
    const text = input.toString('latin1');
    parseChallenges(text);
    retryAfterMs({ headers: { 'retry-after': text } } as unknown as Parameters<typeof retryAfterMs>[0]);
  },
};

export const imageTargets: readonly Target[] = [tars, pax, json, references, headers];
