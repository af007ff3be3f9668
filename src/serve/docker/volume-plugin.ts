/**
 * The protocol of Docker's volume plugins: HTTP over a Unix socket, each call a POST with a JSON body, each answer JSON
 * (docs.docker.com: "Docker Plugin API", "Volume plugins", version 1.2 of the media type). What went wrong stands in `Err`, which
 * dockerd shows its user as it is.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { UserError } from '../../errno/user-error.js';
import type { VolumeDriver } from './volume-driver.js';

const MEDIA_TYPE = 'application/vnd.docker.plugins.v1.2+json';
/** dockerd sends names and options alone. */
const MAX_BODY_BYTES = 1 << 20;

interface PluginRequest {
  readonly Name: string;
  readonly ID: string;
  readonly Opts: Readonly<Record<string, string>>;
}

type Call = (driver: VolumeDriver, request: PluginRequest) => object | Promise<object>;

const CALLS: Readonly<Record<string, Call>> = {
  '/Plugin.Activate': () => ({ Implements: ['VolumeDriver'] }),
  '/VolumeDriver.Capabilities': () => ({ Capabilities: { Scope: 'local' } }),
  '/VolumeDriver.Create': async (driver, { Name, Opts }) => {
    await driver.create(Name, Opts);
    return {};
  },
  '/VolumeDriver.Remove': async (driver, { Name }) => {
    await driver.remove(Name);
    return {};
  },
  '/VolumeDriver.Mount': async (driver, { Name, ID }) => ({ Mountpoint: await driver.mount(Name, ID) }),
  '/VolumeDriver.Unmount': async (driver, { Name, ID }) => {
    await driver.unmount(Name, ID);
    return {};
  },
  '/VolumeDriver.Path': (driver, { Name }) => ({ Mountpoint: driver.get(Name).mountpoint }),
  '/VolumeDriver.Get': (driver, { Name }) => {
    const { name, mountpoint, createdAt, status } = driver.get(Name);
    return { Volume: { Name: name, Mountpoint: mountpoint, CreatedAt: createdAt, Status: status } };
  },
  '/VolumeDriver.List': (driver) => ({
    Volumes: driver.list().map(({ name, mountpoint }) => ({ Name: name, Mountpoint: mountpoint })),
  }),
};

/** A server that does not listen yet. @param log told of each call that failed, in a line. */
export function volumePlugin(driver: VolumeDriver, log: (line: string) => void): Server {
  return createServer((request, response) => {
    void answer(request, driver, log).then(([status, body]) => send(response, status, body));
  });
}

async function answer(
  request: IncomingMessage,
  driver: VolumeDriver,
  log: (line: string) => void,
): Promise<[status: number, body: object]> {
  const path = request.url ?? '';
  const call = Object.hasOwn(CALLS, path) ? CALLS[path] : undefined;
  if (call === undefined) return [404, { Err: `there is no '${path}'` }];
  if (request.method !== 'POST') return [405, { Err: `'${path}' is asked by POST` }];
  try {
    return [200, { ...(await call(driver, parseRequest(await bodyOf(request)))), Err: '' }];
  } catch (error) {
    const text = errorText(error);
    // dockerd asks so before it makes one.
    if (path !== '/VolumeDriver.Get') log(`${path}: ${text}`);
    return [200, { Err: text }];
  }
}

function errorText(error: unknown): string {
  if (error instanceof UserError && error.hint !== undefined) return `${error.message}; ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    // The rest is read all the same: who sends it would not listen to an answer before.
    if (bytes <= MAX_BODY_BYTES) pieces.push(piece);
  }
  if (bytes > MAX_BODY_BYTES) throw new UserError(`a request of more than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(pieces).toString('utf8');
}

/** @throws UserError for what dockerd does not send. */
function parseRequest(text: string): PluginRequest {
  const value = text.trim() === '' ? {} : parseJson(text);
  if (typeof value !== 'object' || value === null) throw new UserError('the request is no JSON object');
  const { Name, ID, Opts } = value as Record<string, unknown>;
  return { Name: textOr(Name, 'Name'), ID: textOr(ID, 'ID'), Opts: optionsOr(Opts) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError('the request is no JSON', { cause: error });
  }
}

function textOr(value: unknown, key: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new UserError(`'${key}' of the request is no text`);
  return value;
}

function optionsOr(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Object.values(value).some((one) => typeof one !== 'string'))
    throw new UserError("'Opts' of the request are no texts");
  return value as Record<string, string>;
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': MEDIA_TYPE, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
