/** Dockerfiles, their instructions, and ignore files. */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import { type Instruction, parseDockerfile, parseTrigger } from '../../../src/dockerfile/dockerfile.js';
import { expandUnquoted, expandValue, expandWords, rawWords } from '../../../src/dockerfile/words.js';
import { applyChanges } from '../../../src/image/add/changes.js';
import { healthcheckOf } from '../../../src/image/add/healthcheck-instruction.js';
import { parseGitAddress } from '../../../src/image-build/context/git-address.js';
import { PathFilter, readIgnoreFile } from '../../../src/image-build/context/path-filter.js';
import { checkDockerfile } from '../../../src/image-build/stage/dockerfile-checks.js';
import { copyOptions } from '../../../src/image-build/steps/copy/copy-options.js';
import { parseRunMount, runOptions } from '../../../src/image-build/steps/run/run-options.js';
import { nameFromText } from '../../../src/vfs/name.js';
import { isRefusal, type Target } from '../target.js';

const lookup = (name: string): string | undefined => (name === 'A' ? 'a b'.repeat(500) : undefined);

const dockerfiles: Target = {
  name: 'dockerfiles',
  seeds: [
    'FROM a AS b\nARG A=1\nENV X=$A Y="${B:-c}"\nRUN --mount=type=cache,target=/c,sharing=locked \\\n  make\n',
    '# escape=`\n# syntax=x\nFROM scratch\nCOPY --from=0 --chmod=755 --chown=1:2 --link ["a b", "/c"]\nADD --checksum=sha256:x u /\n',
    'FROM a\nRUN <<EOF bash\necho\nEOF\nCOPY <<-"X" /f\n\tx\nX\nHEALTHCHECK --interval=5s CMD ["x"]\n',
    'FROM --platform=$BUILDPLATFORM a\nONBUILD RUN x\nUSER a:b\nWORKDIR /w\nEXPOSE 80/tcp\nVOLUME ["/v"]\nSHELL ["sh"]\n',
    'FROM a\nLABEL a=b "c d"=\'e\'\nCMD x\nENTRYPOINT ["y"]\nSTOPSIGNAL 9\nRUN --network=none --security=sandbox id\n',
  ],
  words: [
    ...[
      'FROM ',
      'RUN ',
      'COPY ',
      'ADD ',
      'ARG ',
      'ENV ',
      'ONBUILD ',
      'HEALTHCHECK ',
      '--mount=',
      'type=',
      'bind',
    ],
    ...[
      'cache',
      'secret',
      'ssh',
      'tmpfs',
      '--from=',
      '--chmod=',
      '--exclude=',
      '<<EOF',
      '<<-',
      'EOF',
      '\n',
      '\\\n',
    ],
    ...[
      '`',
      '"',
      "'",
      '$',
      '${A',
      ':-',
      ':+',
      '##',
      '%%',
      '//',
      '}',
      '[',
      ']',
      '{',
      ',',
      '#',
      '# escape=`',
      '\uFEFF',
    ],
  ],
  run(input) {
    const file = parseDockerfile(input.toString(), 'Dockerfile');
    checkDockerfile(file);
    for (const stage of file.stages) for (const one of stage.instructions) readInstruction(one);
  },
};

/** What the build makes of it when it gets there; one that is refused does not hide the next. */
function readInstruction(instruction: Instruction): void {
  const { keyword, text, flags } = instruction;
  if (keyword === 'RUN') runOptions(instruction, lookup);
  else if (keyword === 'COPY' || keyword === 'ADD') copyOptions(instruction, lookup);
  else if (keyword === 'ONBUILD') parseTrigger(text, instruction);
  else if (keyword === 'HEALTHCHECK') healthcheckOf(flags, text);
}

const words: Target = {
  name: 'words',
  seeds: ['a $A "b ${A:-x}" \'c\'', '${A#*/} ${A%%.*} ${A/a/b} ${A//x/}', '\\$A ${B:?no} ${A:+${B}}'],
  words: ['$', '${', '}', ':-', ':+', ':?', '#', '##', '%', '/', '//', '\\', '"', "'", 'A', '*', '?', '['],
  run(input) {
    const text = input.toString();
    for (const char of ['\\', '`']) {
      for (const read of [expandUnquoted, expandValue, expandWords, rawWords]) {
        settle(() => (read as (...all: unknown[]) => unknown)(text, lookup, char));
      }
    }
    settle(() => applyChanges({}, [text]));
    settle(() => parseRunMount(text));
    settle(() => parseGitAddress(text));
  },
};

function settle(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

const ignoreFiles: Target = {
  name: 'dockerignore',
  seeds: ['# c\n*\n!src/**\n**/*.log\n', 'a?b\n[a-z]*/\\*\n/x/../y\n', '**/a/**/b/**\n!**/c\n'],
  words: ['*', '**', '**/', '?', '[', ']', '[^a-', '!', '\\', '/', '..', '.', '\n', '#', 'a'],
  run(input) {
    const filter = new PathFilter(readIgnoreFile(input.toString()));
    for (const path of ['a', 'src/a/b/c.log', 'x/y', `${'a/'.repeat(40)}b`, 'a'.repeat(255)])
      filter.matches(nameFromText(path));
  },
};

export const buildTargets: readonly Target[] = [dockerfiles, words, ignoreFiles];
