/** The last changes of upper are known by path, time and process, and no more than so many. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ChangeHistory } from '../../../src/union/nodes/change-history.js';

const root = { name: '', parent: undefined };
const etc = { name: 'etc', parent: root };

it('names the path and the process', () => {
  const history = new ChangeHistory();
  history.note('copy-up', etc, process.pid);
  history.note('whiteout', { name: 'x', parent: etc }, 0);
  expect(history.latest(5)).toMatchObject([
    { kind: 'whiteout', path: 'etc/x', pid: 0, process: '' },
    {
      kind: 'copy-up',
      path: 'etc',
      pid: process.pid,
      process: readFileSync('/proc/self/comm', 'utf8').trim(),
    },
  ]);
  expect(history.find('copy-up', 'etc/x')).toBeUndefined();
});

it('keeps the last ones', () => {
  const history = new ChangeHistory();
  for (let number = 0; number < 2000; number++)
    history.note('copy-up', { name: `f${number}`, parent: etc }, 0);
  expect(history.latest(2).map(({ path }) => path)).toEqual(['etc/f1999', 'etc/f1998']);
  expect(history.latest(10_000)).toHaveLength(512);
  expect(history.find('copy-up', 'etc/f1488')).toBeDefined();
  expect(history.find('copy-up', 'etc/f1487')).toBeUndefined();
});
