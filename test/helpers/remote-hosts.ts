/**
 * Run in a network namespace of its own (`unshare -rn`), where 203.0.113.1 is a host that is not near: follows redirects
 * from there, and prints for each case of its argument (JSON) what became of it.
 */

import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drain, HttpClient } from '../../src/image/registry/http.js';

export interface RedirectCase {
  /** Hosts, each of which leads to the next. */
  readonly way: readonly string[];
  readonly verify: boolean;
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
for (const address of ['203.0.113.1', '169.254.169.254']) {
  execFileSync('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo']);
}

let asked = 0;
const server = createServer(({ url = '' }, response) => {
  asked += 1;
  const [next, ...rest] = url.split('/').filter((part) => part !== '');
  if (next === undefined) response.writeHead(200).end();
  else response.writeHead(302, { location: `http://${next}:${port}/${rest.join('/')}` }).end();
});
await new Promise<void>((resolve) => server.listen(0, '::', resolve));
const { port } = server.address() as AddressInfo;

async function follow({ way: [first, ...rest], verify }: RedirectCase): Promise<string> {
  asked = 0;
  using http = new HttpClient({ verify });
  try {
    const response = await http.send({
      method: 'GET',
      url: new URL(`http://${first}:${port}/${rest.join('/')}`),
    });
    await drain(response);
    return `${response.status} after ${asked}`;
  } catch (error) {
    return `${(error as Error).message} after ${asked}`;
  }
}

const results: string[] = [];
for (const one of JSON.parse(process.argv[2] ?? '[]') as RedirectCase[]) results.push(await follow(one));
process.stdout.write(JSON.stringify(results));
server.close();
server.closeAllConnections();
