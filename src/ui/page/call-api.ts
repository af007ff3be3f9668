/** Calls of the server, with the token that came in the address. */

import type { ErrorReply, EventLine, PageApi, PageChanges } from '../api.js';

const KEY = 'plyfs-token';

/** Takes the token out of the address, where it would be seen and copied, and keeps it for other windows of this page. */
export function takeToken(): void {
  const token = /^#token=([0-9a-f]+)/.exec(location.hash)?.[1];
  if (token === undefined) return;
  localStorage.setItem(KEY, token);
  history.replaceState(undefined, '', '#/');
}

export class CallError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const token = localStorage.getItem(KEY) ?? '';
  const headers = { ...(options.headers as Record<string, string>), Authorization: `Bearer ${token}` };
  const init: RequestInit = { ...options, headers, cache: 'no-store' };
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof TypeError) throw new CallError('the server is gone', 'start plyfs ui again');
    throw error;
  }
}

/** @throws CallError what the server says. */
export async function call<M extends keyof PageApi>(
  method: M,
  args: PageApi[M][0],
  signal?: AbortSignal,
): Promise<PageApi[M][1]> {
  // Half a surrogate pair is written out by JSON, so nothing of a name is lost.
  const options: RequestInit = signal === undefined ? {} : { signal };
  const response = await request(`/api/${method}?${encodeURIComponent(JSON.stringify(args))}`, options);
  return (await replyOf(response)) as PageApi[M][1];
}

async function replyOf(response: Response): Promise<unknown> {
  const value: unknown = await response.json();
  if (response.ok) return value;
  const { error } = value as ErrorReply;
  throw new CallError(error.message, error.hint);
}

/** Changes something; only where the command has `--write`. @throws CallError what the server says. */
export async function change<M extends keyof PageChanges>(
  method: M,
  args: PageChanges[M][0],
): Promise<PageChanges[M][1]> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await request(`/api/${method}`, { method: 'POST', headers, body: JSON.stringify(args) });
  return (await replyOf(response)) as PageChanges[M][1];
}

/** Puts a file into a volume. @throws CallError */
export async function upload(
  args: { readonly volume: string; readonly path: string },
  file: Blob,
): Promise<void> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  const path = `/api/upload?${encodeURIComponent(JSON.stringify(args))}`;
  await replyOf(await request(path, { method: 'POST', headers, body: file }));
}

/** Calls `tell` with each event until the signal. */
export async function followServer(tell: (event: EventLine) => void, signal: AbortSignal): Promise<void> {
  const response = await request('/api/events', { signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!response.ok || reader === undefined) throw new CallError('no events come');
  let rest = '';
  for (;;) {
    const { done, value = '' } = await reader.read();
    if (done) return;
    const lines = `${rest}${value}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') tell(JSON.parse(line) as EventLine);
  }
}

/** Has the browser save a file. @throws CallError */
export async function download(args: PageApi['ticket'][0], name: string): Promise<void> {
  const { ticket } = await call('ticket', args);
  const anchor = document.createElement('a');
  anchor.href = `/download/${ticket}/file`;
  anchor.download = name;
  anchor.click();
}
