/**
 * Another user of a mount, who wants one thing after the other of it while something goes on there, and how long he waits.
 * What the same takes in a plain directory at that time is taken off: the machine may be busy.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';

const USER = 1001;

/** Looks up a name that the kernel cannot know, every 2 ms. */
const PROBER = `
import os, signal, sys, time
mount, plain, number = sys.argv[1], sys.argv[2], 0
def took(path):
    started = time.monotonic()
    try: os.stat(f'{path}/none{os.getpid()}.{number}')
    except FileNotFoundError: pass
    return (time.monotonic() - started) * 1000
waits = []
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
signal.alarm(900)
print('ready', flush=True)
while going:
    number += 1
    waits.append(took(mount) - took(plain))
    time.sleep(.002)
waits.sort()
print(waits[-1], waits[len(waits) * 99 // 100], len(waits))
`;

interface Waits {
  readonly longestMs: number;
  readonly p99Ms: number;
}

/** Runs a script of bash's in the mount. @returns what another user waits meanwhile. */
export async function waitBeside(
  { mountpoint, root }: { readonly mountpoint: string; readonly root: string },
  script: string,
  { uid = 0, limitMs = 150_000 }: { readonly uid?: number; readonly limitMs?: number } = {},
): Promise<Waits> {
  const identity = { uid: USER, gid: USER };
  const prober = spawn('python3', ['-IS', '-c', PROBER, mountpoint, root], identity);
  let said = '';
  prober.stdout.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  await once(prober.stdout, 'data');
  // It goes there itself: what waits for a mount that hangs is no child of ours that has not begun.
  const work = spawn('bash', ['-ec', `cd '${mountpoint}'\n${script}`], {
    uid,
    gid: uid,
    timeout: limitMs,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  work.stderr.setEncoding('latin1').on('data', (text: string) => {
    errors += text;
  });
  const [code] = await once(work, 'close');
  // Freeing goes on when the name has gone.
  await new Promise((resolve) => setTimeout(resolve, 300));
  prober.kill('SIGTERM');
  await once(prober, 'close');
  expect([code, errors]).toEqual([0, '']);
  const [longestMs = Number.NaN, p99Ms = Number.NaN, count] = said
    .replace('ready\n', '')
    .split(' ')
    .map(Number);
  expect(count).toBeGreaterThan(20);
  return { longestMs, p99Ms };
}
