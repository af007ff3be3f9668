/**
 * The suites as an ordinary user runs them: layers in the forms that need no privilege, and no other user.
 *
 * Whoever starts the tests: root takes on another effective id for as long as they run.
 */

import type { Case, Suite } from '../conformance/suite.js';
import type { DirSpec, NodeSpec } from '../helpers/layers.js';

/** nobody. */
const USER = 65_534;

/** @returns what makes us who we were. */
export function becomeOrdinary(): () => void {
  if (process.geteuid?.() !== 0) return () => undefined;
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(USER);
  process.seteuid?.(USER);
  return () => {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  };
}

/** The cases whose layers an ordinary user can make. */
export function suiteForUser({ name, cases }: Suite): Suite {
  const possible = cases.filter(({ layers = [], host }) =>
    [...layers, ...(host ? [host] : [])].every(isForUser),
  );
  return { name, cases: possible.map(withUserForms) };
}

function isForUser(node: NodeSpec): boolean {
  if (node.type === 'char' || node.type === 'block') return false;
  if (node.uid !== undefined || node.gid !== undefined) return false;
  const names = Object.keys(node.xattrs ?? {});
  if (names.some((name) => name.startsWith('trusted.') || name.startsWith('security.'))) return false;
  return node.type !== 'dir' || Object.values(node.entries).every(isForUser);
}

function withUserForms(test: Case): Case {
  return test.layers === undefined ? test : { ...test, layers: test.layers.map(asUser) };
}

function asUser(directory: DirSpec): DirSpec {
  const entries = Object.entries(directory.entries).map(([name, node]) => [
    name,
    node.type === 'dir' ? asUser(node) : node,
  ]);
  return {
    ...directory,
    entries: Object.fromEntries(entries),
    opaque: directory.opaque === undefined ? undefined : 'user',
  };
}
