/** Our tars and those of tar-stream, another implementation: each reads what the other writes. */

import { extract, type Header, pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { encodeHeader } from '../../../src/archive/tar/encode.js';
import { BARE_ENTRY, type TarEntry } from '../../../src/archive/tar/entry.js';
import { Packer } from '../../../src/archive/tar/packer.js';
import { TarReader } from '../../../src/archive/tar/reader.js';
import { displayName, nameFromText } from '../../../src/vfs/name.js';

/** What both have of an entry; ids above 2,097,151, attributes and sparse files are beyond tar-stream. */
interface Common {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly ids: string;
  readonly mtimeSec: number;
  readonly linkName: string;
  readonly content: string;
}

const long = `${'d'.repeat(90)}/${'ü'.repeat(60)}/file`;
const common: Common[] = [
  entry('dir/', 'directory', { mode: 0o1777 }),
  entry('dir/file', 'file', { mode: 0o4755, content: 'x'.repeat(513), mtimeSec: 1_700_000_000 }),
  entry('dir/empty', 'file', { mode: 0o600 }),
  entry('dir/hard', 'link', { linkName: 'dir/file' }),
  entry('dir/soft', 'symlink', { linkName: '../some where' }),
  entry('pipe', 'fifo', { ids: '1000:2000' }),
  entry(long, 'file', { content: 'of a long name', ids: '65534:65534' }),
  entry('soft', 'symlink', { linkName: 'x/'.repeat(80) }),
];

function entry(name: string, type: string, more: Partial<Common>): Common {
  return { name, type, mode: 0o644, ids: '0:0', mtimeSec: 0, linkName: '', content: '', ...more };
}

function numbers(ids: string): readonly [number, number] {
  const [uid = 0, gid = 0] = ids.split(':').map(Number);
  return [uid, gid];
}

function packed(): Buffer {
  const packer = new Packer();
  const pieces: Buffer[] = [];
  const add = (bytes: Uint8Array): void => void pieces.push(...packer.add(bytes));
  for (const { name, type, mode, ids, mtimeSec, linkName, content } of common) {
    const bytes = Buffer.from(content);
    const [uid, gid] = numbers(ids);
    const written: TarEntry = {
      ...BARE_ENTRY,
      name: nameFromText(name),
      type: type as TarEntry['type'],
      mode,
      uid,
      gid,
      mtimeSec,
      sizeBytes: bytes.length,
      linkName: nameFromText(linkName),
    };
    add(encodeHeader(written).header);
    add(bytes);
    pieces.push(...packer.pad(bytes.length));
  }
  return Buffer.concat([...pieces, ...packer.end()]);
}

it('tar-stream reads what plyfs writes', async () => {
  const found: Common[] = [];
  const reader = extract();
  reader.end(packed());
  for await (const stream of reader) {
    const { header } = stream;
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    found.push(ofHeader(header, Buffer.concat(chunks).toString()));
  }
  expect(found).toEqual(common);
});

function ofHeader(header: Header, content: string): Common {
  return {
    name: header.name,
    type: header.type ?? '',
    mode: header.mode ?? 0,
    ids: `${header.uid}:${header.gid}`,
    mtimeSec: (header.mtime?.getTime() ?? 0) / 1000,
    linkName: header.linkname ?? '',
    content,
  };
}

it('plyfs reads what tar-stream writes', async () => {
  const writer = pack();
  for (const { name, type, mode, ids, mtimeSec, linkName, content } of common) {
    const [uid, gid] = numbers(ids);
    const mtime = new Date(mtimeSec * 1000);
    const header = { name, type: type as Header['type'], mode, uid, gid, mtime, linkname: linkName || null };
    writer.entry(header as Header, content);
  }
  writer.finalize();
  const found: { entry: TarEntry; content: string }[] = [];
  const reader = new TarReader({
    entry: (read) => void found.push({ entry: read, content: '' }),
    data: (bytes) => {
      found.at(-1)!.content += bytes.toString();
    },
    end: () => undefined,
  });
  for await (const chunk of writer) reader.write(chunk as Buffer);
  const shown = found.map(({ entry: { uid, gid, ...read }, content }) => ({
    name: displayName(read.name),
    type: read.type,
    mode: read.mode,
    ids: `${uid}:${gid}`,
    mtimeSec: read.mtimeSec,
    linkName: displayName(read.linkName),
    content,
  }));
  expect(shown).toEqual(common);
});
