/**
 * What a Dockerfile says, and what its words mean.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/build/dockerfile.js';
import { expandPairs, expandValue, expandWords, jsonForm, rawWords } from '../../../src/image/words.js';

const lookup = (name: string): string | undefined =>
  ({ A: 'a', EMPTY: '', TWO: 'x  y', PATHS: 'a/b/c.tar.gz' })[name];

describe('parseDockerfile()', () => {
  test('reads stages, flags, continued lines and comments between them', () => {
    const file = parseDockerfile(
      `# syntax=whatever
ARG V=1
FROM base:$V AS Builder
RUN echo a && \\
    # not this

    echo b
from scratch
COPY --from=builder --chown=1:2 /out/ .
`,
      'Dockerfile',
    );
    expect(file.globalArgs.map(({ text }) => text)).toEqual(['V=1']);
    expect(file.stages.map(({ name }) => name)).toEqual(['builder', undefined]);
    expect(file.stages[0]?.instructions[0]).toMatchObject({
      keyword: 'RUN',
      line: 4,
      text: 'echo a &&     echo b',
    });
    expect(file.stages[1]?.instructions[0]).toMatchObject({
      text: '/out/ .',
      flags: [
        { name: 'from', value: 'builder' },
        { name: 'chown', value: '1:2' },
      ],
    });
  });

  test('takes another escape character', () => {
    const { stages } = parseDockerfile('# escape=`\nFROM a\nRUN a `\n b\\\n', 'f');
    expect(stages[0]?.instructions[0]).toMatchObject({ text: 'a  b\\', escape: '`' });
  });

  test('reads here-documents as they are', () => {
    const { stages } = parseDockerfile(
      `FROM a
RUN <<EOF
echo \\
# kept
EOF
COPY <<"a.txt" <<-b.txt /dir/
$A
a.txt
\t\tindented
b.txt
`,
      'f',
    );
    const [run, copy] = stages[0]?.instructions ?? [];
    expect(run?.heredocs).toEqual([{ name: 'EOF', content: 'echo \\\n# kept\n', expands: true }]);
    expect(copy?.heredocs).toEqual([
      { name: 'a.txt', content: '$A\n', expands: false },
      { name: 'b.txt', content: 'indented\n', expands: true },
    ]);
  });

  test.each([
    ['', 'f: there is no FROM in it'],
    ['RUN x', 'f: line 1: RUN: only ARG may stand before the first FROM'],
    ['FROM a\nFETCH x', 'f: line 2: FETCH: there is no such instruction'],
    ['FROM a AS x\nFROM b AS X', "f: line 2: FROM: there is a stage 'x' already"],
    ['FROM a b', "f: line 1: FROM: 'a b' is not IMAGE or IMAGE AS NAME"],
    ['FROM a AS 1', "f: line 1: FROM: invalid stage name '1'"],
  ])('says what is wrong with %j', (text, message) => {
    expect(() => parseDockerfile(text, 'f')).toThrow(message);
  });
});

describe('expandValue()', () => {
  test.each([
    ['$A', 'a'],
    ['${A}b', 'ab'],
    ['$NONE', ''],
    ['${NONE:-d $A}', 'd a'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${A:+set}', 'set'],
    ['${NONE:+set}', ''],
    ['${A:?x}', 'a'],
    ["'$A'", '$A'],
    ['"$A b"', 'a b'],
    ['\\$A', '$A'],
    ['"\\$A \\n \\""', '$A \\n "'],
    ['a\\ b', 'a b'],
    ['$', '$'],
    ['$-', '$-'],
    ['${TWO}', 'x  y'],
    ['${PATHS#*/}', 'b/c.tar.gz'],
    ['${PATHS##*/}', 'c.tar.gz'],
    ['${PATHS%.*}', 'a/b/c.tar'],
    ['${PATHS%%.*}', 'a/b/c'],
    ['${PATHS#x}', 'a/b/c.tar.gz'],
    ['${PATHS/?.t/$&.}', 'a/b/$&.ar.gz'],
    ['${A//a/$EMPTY}', ''],
    ['${PATHS//./-}', 'a/b/c-tar-gz'],
    ['${NONE#x}', ''],
  ])('%s is %j', (text, value) => {
    expect(expandValue(text, lookup)).toBe(value);
  });

  test.each([
    ["'a", 'has no end'],
    ['"a', 'has no end'],
    ['${A', 'has no end'],
    ['${', 'cannot read the variable'],
    ['${NONE:?must be}', "variable 'NONE' is not set: must be"],
    ['${A^x}', 'not supported'],
  ])('refuses %s', (text, message) => {
    expect(() => expandValue(text, lookup)).toThrow(message);
  });
});

test('expandWords() divides at blanks, those of variables too, but not in quotes', () => {
  expect(expandWords(' a  $TWO "$TWO" \'\' $NONE b\\ c', lookup)).toEqual(['a', 'x', 'y', 'x  y', '', 'b c']);
});

test('rawWords() leaves quotes and variables as they are', () => {
  expect(rawWords(' A="x y" B=\\ z \'q r\'s ')).toEqual(['A="x y"', 'B=\\ z', "'q r's"]);
});

test('expandPairs() reads pairs, and the old form of one', () => {
  expect(expandPairs('X="1 2" Y=$A "k 1"=v', lookup)).toEqual([
    ['X', '1 2'],
    ['Y', 'a'],
    ['k 1', 'v'],
  ]);
  expect(expandPairs('X 1 $A  "z"', lookup)).toEqual([['X', '1 a  z']]);
  expect(() => expandPairs('X', lookup)).toThrow("'X' has no value");
  expect(() => expandPairs('X=1 Y', lookup)).toThrow("'Y' is no NAME=VALUE");
});

test('jsonForm() knows an array of strings from a command', () => {
  expect(jsonForm(' ["a", "b c"]')).toEqual(['a', 'b c']);
  expect(jsonForm('[ -f x ]')).toBeUndefined();
  expect(jsonForm('["a", 1]')).toBeUndefined();
  expect(jsonForm('echo')).toBeUndefined();
});
