/** Agents of `--ssh`: keys that are given as files are in one of their own, and nowhere once it ends. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAgents } from '../../../src/image-build/steps/run/agents.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plyfs-agents-'));
  for (const [name, word] of [
    ['one', ''],
    ['two', ''],
    ['locked', 'word'],
  ] as const) {
    const args = ['-q', '-t', 'ed25519', '-N', word, '-C', `key-${name}`, '-f', join(folder, name)];
    expect(spawnSync('ssh-keygen', args).status).toBe(0);
  }
  // ssh-add would refuse the file.
  chmodSync(join(folder, 'one'), 0o644);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function listed(socket: string): string {
  const { stdout } = spawnSync('ssh-add', ['-l'], {
    env: { ...process.env, SSH_AUTH_SOCK: socket },
    encoding: 'utf8',
  });
  return stdout;
}

test('an agent has the keys that are given as files, until it ends', async () => {
  let socket: string;
  {
    using agents = await openAgents([`k=${folder}/one,${folder}/two`]);
    socket = agents.sockets.get('k')!;
    expect(listed(socket)).toMatch(/key-one .*\n.*key-two /);
    using other = await openAgents([`again=${socket}`]);
    expect(other.sockets.get('again')).toBe(socket);
  }
  const place = dirname(socket);
  for (let round = 0; existsSync(place) && round < 250; round++) await sleep(20);
  expect(existsSync(place)).toBe(false);
});

test.each([
  [(at: string) => `k=${at}/locked`, /cannot use the key '.*locked': it has a passphrase$/],
  [(at: string) => `k=${at}/one.pub`, /cannot use the key '.*one.pub'$/],
  [(at: string) => `k=${at}/one,${at}/none`, /cannot read the key '.*none': no such file or directory$/],
  [(at: string) => `k=${at}/none`, /the ssh agent 'k': cannot read '.*none': no such file or directory$/],
  [(at: string) => `k=${at}`, /cannot read the key '.*': is a directory$/],
  [() => '=x', /invalid ssh agent '=x'$/],
])('refuses %s', async (spec, message) => {
  await expect(openAgents([spec(folder)])).rejects.toThrow(message);
});

test('says what to install where there is no ssh-agent', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('plyfs-ssh-'));
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    await expect(openAgents([`k=${folder}/one`])).rejects.toMatchObject({
      message: "the ssh agent 'k': a key needs 'ssh-agent', which is not there",
      hint: expect.stringContaining('install openssh-client') as string,
    });
  } finally {
    process.env.PATH = path;
  }
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('plyfs-ssh-'))).toEqual(before);
});
