/**
 * What can be said of the dependencies without asking anybody: each version is exact, each package of the lock file has its
 * SHA-512 and comes from a registry, and no install script runs where `npm run` or CI installs.
 */

import type { Finding, SourceFile } from './check-finding.js';

interface Package {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
/** Scripts of ours that npm would run where plyfs is installed. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Where packages are installed. Not .npmrc, whose `ignore-scripts` would keep `npm pack` from building, too. */
const INSTALLERS = ['scripts/setup.mjs', '.ci/run'];

export function dependencyFindings(files: readonly SourceFile[]): Finding[] {
  return [
    ...files.filter(({ path }) => INSTALLERS.includes(path)).flatMap(installerFindings),
    ...files.filter(({ path }) => path === 'package.json').flatMap(manifestFindings),
    ...files.filter(({ path }) => path === 'package-lock.json').flatMap(lockFindings),
  ];
}

function installerFindings({ path, text }: SourceFile): Finding[] {
  return text
    .split('\n')
    .filter((line) => /\bnpm ci --|'ci',/.test(line) && !line.includes('--ignore-scripts'))
    .map(() => finding(path, 'install scripts of packages run: --ignore-scripts is missing'));
}

function manifestFindings({ path, text }: SourceFile): Finding[] {
  const manifest = JSON.parse(text) as Manifest;
  const { dependencies, optionalDependencies, devDependencies, scripts = {} } = manifest;
  const all = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });
  return [
    ...all
      .filter(([, version]) => !EXACT.test(version))
      .map(([name, version]) => finding(path, `${name}: '${version}' is no exact version`)),
    ...INSTALL_SCRIPTS.filter((name) => name in scripts).map((name) =>
      finding(path, `the script '${name}' would run where plyfs is installed`),
    ),
  ];
}

function lockFindings({ path, text }: SourceFile): Finding[] {
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Package>> };
  return Object.entries(packages)
    .filter(([place]) => place !== '')
    .flatMap(([place, one]) => faultsOf(one).map((fault) => finding(path, `${place}: ${fault}`)));
}

function faultsOf({ version = '', integrity = '', resolved, link }: Package): string[] {
  return [
    ...(link === true ? ['a link into another folder'] : []),
    ...(EXACT.test(version) ? [] : [`'${version}' is no version`]),
    // 64 bytes in base64.
    ...(/^sha512-[\w+/]{86}==$/.test(integrity) ? [] : ['no SHA-512']),
    ...(resolved === undefined || resolved.startsWith('https://') ? [] : [`comes from '${resolved}'`]),
  ];
}

function finding(path: string, message: string): Finding {
  return { path, line: 1, message };
}
