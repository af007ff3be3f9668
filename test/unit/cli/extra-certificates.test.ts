import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { restoreExtraCertificates } from '../../../src/cli/frame/extra-certificates.js';
import { projectRoot } from '../../helpers/project-paths.js';

/** What the kernel makes of a program's first line: all behind the interpreter is one argument. */
function firstLineOf(program: string): string {
  const [line = ''] = readFileSync(join(projectRoot, program), 'utf8').split('\n');
  return line.slice('#!/usr/bin/env '.length);
}

const programs = ['src/cli/main.ts', 'src/cli/plyfs-overlay.ts'];

test.each(programs)('%s begins without the certificates that Node would parse', (program) => {
  const script = "console.log(process.env.NODE_EXTRA_CA_CERTS ?? 'none')";
  const line = `${firstLineOf(program).replace(/ --$/, '')} -e`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/no/such/file' };
  const { stdout, stderr } = spawnSync('/usr/bin/env', [line, script], { env, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'none\n', stderr: '' });
});

test('the command gives the variable back under its own name', () => {
  const script = 'console.log(process.env.PLYFS_EXTRA_CA_CERTS)';
  const line = `${firstLineOf('src/cli/main.ts').replace(/ --$/, '')} -e`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/etc/my certs.pem' };
  const { stdout } = spawnSync('/usr/bin/env', [line, script], { env, encoding: 'utf8' });
  expect(stdout).toBe('/etc/my certs.pem\n');

  const kept: NodeJS.ProcessEnv = { PLYFS_EXTRA_CA_CERTS: '/etc/my certs.pem' };
  restoreExtraCertificates(kept);
  expect(kept).toEqual({ NODE_EXTRA_CA_CERTS: '/etc/my certs.pem' });
});

test('who had no such variable has none afterwards', () => {
  const none: NodeJS.ProcessEnv = { PLYFS_EXTRA_CA_CERTS: '' };
  restoreExtraCertificates(none);
  expect(none).toEqual({});
});
