/**
 * What the daemon of root keeps its capabilities for: without one of them that fails which needs it, and nothing else
 * is tried. setpcap and net_bind_service are for helpers of mount(8), mac_admin for security labels, dac_read_search for handles
 * on kernels before 6.11 (fs/fhandle.c:may_decode_fh()): they are not to be seen here.
 */

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capabilitiesOf, hasBit, KEPT_CAPABILITIES } from '../../src/daemon/client/limited-launch.js';
import { Workbench } from './plyfs-run.js';

const MOUNT = 'plyfs mount -l l --upper u --work w -v ./host:/host m';

/** What fails without the capability of this number; `plyfs` is started without it. */
const NEEDED: readonly (readonly [number, string])[] = [
  [0, `${MOUNT}; chown 7:8 m/f`],
  [1, `${MOUNT}; echo x > m/closed/new`],
  [3, `${MOUNT}; chmod 601 m/f`],
  [4, `${MOUNT}; chown 0:50 m/f; chmod 2755 m/f; [ $(stat -c %a m/f) = 2755 ]`],
  [6, `${MOUNT}; setpriv --reuid=1000 --regid=1000 --groups=1500 touch m/host/group/made`],
  [7, `${MOUNT}; setpriv --reuid=1234 --clear-groups touch m/host/made; [ $(stat -c %u host/made) = 1234 ]`],
  [9, `${MOUNT}; touch host/i; chattr +i m/host/i; lsattr host/i | grep -q i--; chattr -i host/i`],
  // A source with a mount of plyfs below it.
  [
    18,
    'mkdir host/below; plyfs mount -l l host/below; plyfs mount -l l -v ./host:/host:ro m; [ -z "$(ls m/host/below)" ]',
  ],
  [21, `${MOUNT}; setfattr -n trusted.a -v b m/f`],
  [
    24,
    `ulimit -n 512; ${MOUNT}; [ "$(awk '/Max open files/ {print $5}' /proc/$(plyfs mounts --format '{{.Pid}} {{.Mountpoint}}' | awk -v m="$PWD/m" '$2 == m {print $1}')/limits)" -gt 512 ]`,
  ],
  [27, `${MOUNT}; mknod m/null c 1 3`],
  [31, `${MOUNT}; cp /bin/true m/t; setcap cap_net_raw+ep m/t`],
];
const NOT_SEEN = [2, 8, 10, 33];

const mine = capabilitiesOf(readFileSync('/proc/self/status', 'latin1'), 'CapEff');
let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('l/closed', 'u', 'w', 'm', 'host/group');
  const made = `echo x > l/f; chmod 755 .; chown 1000:1000 l l/f l/closed; chmod 700 l/closed; chown 0:1500 host/group
    chmod 2770 host/group; chmod 1777 host; cp -r l host/inner`;
  expect(bench.run('bash', '-ec', made)).toMatchObject({ code: 0, stderr: '' });
});
afterEach(() => {
  bench.run('bash', '-c', `for m in m host/below; do "${process.execPath}" "${bench.cli}" umount $m; done`);
  bench.dispose();
});

/** @param without numbers of capabilities that the daemon does not get. */
function isDone(script: string, without: readonly number[]): boolean {
  const dropped = without.map((number) => `-cap_${number}`).join(',');
  const limited = dropped === '' ? '' : `setpriv --bounding-set=${dropped} -- `;
  const plyfs = `plyfs() { ${limited}"${process.execPath}" "${bench.cli}" "$@"; }`;
  return bench.run('bash', '-ec', `${plyfs}\n${script}`).code === 0;
}

it('names each that is kept', () => {
  const named = [...NEEDED.map(([number]) => number), ...NOT_SEEN];
  expect(named.sort((one, other) => one - other)).toEqual([...KEPT_CAPABILITIES.keys()]);
});

describe.each(NEEDED.filter(([number]) => hasBit(mine, number)))('capability %i', (number, script) => {
  it(`is kept: ${KEPT_CAPABILITIES.get(number)}`, () => expect(isDone(script, [])).toBe(true));
  it('is needed for that', () => expect(isDone(script, [number])).toBe(false));
});
