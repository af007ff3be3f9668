/** The hosts that npm and apt of this machine fetch packages from, read from their configuration and never stored. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Host names, lower case, without port; empty on a machine with no such configuration. */
export function configuredPackageHosts(): string[] {
  const texts = [
    process.env.npm_config_registry ?? '',
    ...configFiles().map((path) => readFileSync(path, 'utf8')),
  ];
  return [...new Set(texts.flatMap(hostsIn))];
}

/** Hosts of the http(s) URLs in a configuration file, comments left out. */
export function hostsIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*[#;]/.test(line));
  return Array.from(lines.join('\n').matchAll(/https?:\/\/(?:[^@/\s]*@)?([\w.-]+\.[a-z]{2,})/gi), (match) =>
    match[1]!.toLowerCase(),
  );
}

function configFiles(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return [join(homedir(), '.npmrc'), '/etc/apt/sources.list', ...parts].filter((path) => existsSync(path));
}
