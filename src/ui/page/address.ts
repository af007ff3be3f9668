/**
 * Where in the page somebody is: `#/VIEW/SOURCE/PATH?KEY=VALUE`, so that every file and layer has an address.
 *
 * The path of a directory ends with a slash. Names are written byte by byte, as addresses are, also those that are no UTF-8.
 */

export interface PageAddress {
  readonly view: string;
  /** '' where the view is of none. */
  readonly source: string;
  /** Without a leading slash. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

const STRAY_BASE = 0xdc00;
/** Half a surrogate pair that stands for no byte: no name has it. */
const LONE = /^\p{Cs}$/u;

function encodePart(text: string): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const isStray = code >= 0xdc80 && code <= 0xdcff;
    out += isStray
      ? `%${(code - STRAY_BASE).toString(16).toUpperCase()}`
      : encodeURIComponent(LONE.test(char) ? '\ufffd' : char);
  }
  return out.replaceAll('%3A', ':');
}

function decodePart(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = /^%([0-9a-f]{2})/i.exec(text.slice(at, at + 3))?.[1];
    if (hex === undefined) bytes.push(...new TextEncoder().encode(text[at]));
    else {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return textOfBytes(Uint8Array.from(bytes));
}

function textOfBytes(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const char = decoded(bytes.subarray(at, at + length));
    out += char ?? String.fromCharCode(STRAY_BASE + first);
    at += char === undefined ? 1 : length;
  }
  return out;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

export function placeOf(hash: string): PageAddress {
  const [address = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [view = '', source = '', ...names] = address.split('/');
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('='));
  return {
    view: view === '' ? 'home' : view,
    source: decodePart(source),
    path: names.map(decodePart).join('/'),
    query: new Map(pairs.map(([key = '', value = '']) => [decodePart(key), decodePart(value)])),
  };
}

interface NewPlace {
  readonly view: string;
  readonly source?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
}

export function hashOf({ view, source, path = '', query = {} }: NewPlace): string {
  const names = path === '' ? '' : `/${path.split('/').map(encodePart).join('/')}`;
  const pairs = Object.entries(query).filter(([, value]) => value !== '');
  const rest = pairs.map(([key, value]) => `${encodePart(key)}=${encodePart(value)}`).join('&');
  const base = source === undefined ? `#/${view}` : `#/${view}/${encodePart(source)}${names}`;
  return rest === '' ? base : `${base}?${rest}`;
}

/** The directory that a path lies in, with the slash at its end; '' is the root. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** The directory above one. */
export function aboveOf(directory: string): string {
  return directoryOf(directory.replace(/\/$/, ''));
}
