/** What a tree is, as text that two tools can be compared by; made by a child, since the tree may be a mount. */

import { execFileSync } from 'node:child_process';

const TIMEOUT_MS = 60_000;

/** Size and link count of directories are their file system's affair; attributes of overlayfs are not shown by mounts. */
const SCRIPT = `set -e; cd "$1"; export LC_ALL=C
find . -printf '%P|%y|%m|%U|%G|%T@|%l|' \\( -type d -printf '\\n' -o -printf '%s|%n\\n' \\) | sort
find . -type f -print0 | sort -z | xargs -0 -r sha256sum
find . \\( -type b -o -type c \\) -exec stat -c '%n %t:%T' {} + | sort
getfattr -R -h -d -m - -e hex . 2>/dev/null | grep -v 'overlay\\.' | sort`;

export function fingerprint(directory: string): string[] {
  const output = execFileSync('bash', ['-c', SCRIPT, 'fingerprint', directory], {
    encoding: 'latin1',
    timeout: TIMEOUT_MS,
    maxBuffer: 64 << 20,
  });
  return output.split('\n');
}
