/**
 * What a Dockerfile says, and what its words mean.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/dockerfile/dockerfile.js';
import {
  expandPairs,
  expandUnquoted,
  expandValue,
  expandWords,
  jsonForm,
  rawWords,
} from '../../../src/dockerfile/words.js';

const lookup = (name: string): string | undefined =>
  ({ A: 'a', EMPTY: '', TWO: 'x  y', PATHS: 'a/b/c.tar.gz', STAR: '*x', Ä: 'umlaut' })[name];

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
\tb.txt
`,
      'f',
    );
    const [run, copy] = stages[0]?.instructions ?? [];
    expect(run?.heredocs).toMatchObject([{ name: 'EOF', content: 'echo \\\n# kept\n', expands: true }]);
    expect(copy?.heredocs).toMatchObject([
      { name: 'a.txt', content: '$A\n', expands: false },
      { name: 'b.txt', content: 'indented\n', raw: '\t\tindented\n', expands: true },
    ]);
  });

  test.each([
    ['RUN --mount=type=cache,target=/c \\\n  --network=none \\\n  <<EOF\nx\nEOF\n', ['EOF'], '<<EOF'],
    ['RUN cat <<A 3<<B >x\na\nA\nb\nB\n', ['A', 'B'], 'cat <<A 3<<B >x'],
    ["RUN echo 'use cat <<EOF'\n", [], "echo 'use cat <<EOF'"],
    ['RUN echo "use cat <<EOF"\n', [], 'echo "use cat <<EOF"'],
    ['RUN echo \\<<EOF <x\n', [], 'echo \\<<EOF <x'],
    ['RUN cat <<<word\n', [], 'cat <<<word'],
    ['RUN ["cat", "<<EOF"]\n', [], '["cat", "<<EOF"]'],
    ['RUN echo $((1<<2))\n', [], 'echo $((1<<2))'],
    ['RUN cat << EOF\nx\nEOF\n', ['EOF'], 'cat << EOF'],
    ["RUN cat <<'a b'\nx\na b\n", ['a b'], "cat <<'a b'"],
    ['CMD cat <<EOF\n', [], 'cat <<EOF'],
    ['ONBUILD RUN <<EOF\nx\nEOF\n', ['EOF'], 'RUN <<EOF'],
    ['COPY --chmod=600 <<EOF \\\n /x\ny\nEOF\n', ['EOF'], '<<EOF  /x'],
    ['RUN <<EOF\r\nx\r\nEOF\r\n', ['EOF'], '<<EOF'],
  ])('finds the here-documents of %j, and not more', (text, names, line) => {
    const [first, ...more] = parseDockerfile(`FROM a\n${text}USER x\n`, 'f').stages[0]?.instructions ?? [];
    expect(first?.heredocs.map(({ name }) => name)).toEqual(names);
    expect([first?.text, more.map(({ keyword }) => keyword)]).toEqual([line, ['USER']]);
  });

  test.each([
    ['ENV A=x\\\\\nUSER y\n', ['A=x\\\\', 'y']],
    ['ENV A=1 \\\n\n   # note\n  B=2\n', ['A=1   B=2']],
    ['ENV A=1 \\  \n B=2 \\\n', ['A=1  B=2']],
    ['ENV A=1 \\\r\n B=2\r\nUSER y\r\n', ['A=1  B=2', 'y']],
    ['RUN a \\\n\\\n b\n', ['a  b']],
    ['RUN "\\\n  x\\\n  y"\n', ['"  x  y"']],
    ['  # note \\\n  user  y  \n', ['y']],
    ['RUN --network=none --mount="type=tmpfs,target=/a b" -- --x\n', ['--x']],
  ])('joins the lines of %j', (text, lines) => {
    const { stages } = parseDockerfile(`\uFEFFFROM a\n${text}`, 'f');
    expect(stages[0]?.instructions.map((instruction) => instruction.text)).toEqual(lines);
  });

  test('knows the directives at its top, and no others', () => {
    const text = '# syntax = x\n#ESCAPE=`\n#check=skip=all\n#escape=\\\nFROM a\nRUN x `\n y\\\n';
    expect(() => parseDockerfile(text, 'f')).toThrow(
      "f: line 4: the directive 'escape' may stand there once",
    );
    const file = parseDockerfile(text.replace('#escape=\\', '# note\n#escape=\\'), 'f');
    expect([file.check, file.stages[0]?.instructions[0]?.text]).toEqual(['skip=all', 'x  y\\']);
    expect(() => parseDockerfile('#escape=x\nFROM a', 'f')).toThrow("f: line 1: 'x' is no escape character");
  });

  test.each([
    ['', 'f: there is no FROM in it'],
    ['RUN x', 'f: line 1: RUN: only ARG may stand before the first FROM'],
    ['FROM a\nFETCH x', 'f: line 2: FETCH: there is no such instruction'],
    ['FROM a b', "f: line 1: FROM: 'a b' is not IMAGE or IMAGE AS NAME"],
    ['FROM a AS 1', "f: line 1: FROM: invalid stage name '1'"],
    ['FROM a\nRUN cat <<EOF\nx', "f: line 2: RUN: the here-document 'EOF' has no end"],
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
    ['$-', ''],
    ['$$', ''],
    ['$12x', 'x'],
    ['$.', '$.'],
    ['${1:-b}', 'b'],
    ['$Ä', 'umlaut'],
    ['${NONE:-${EMPTY:-c}/x}', 'c/x'],
    ['${NONE:-\\$A:}', '$A:'],
    ['${NONE:-"}"}', '}'],
    ['${A+${NONE-d}}', 'd'],
    ['${EMPTY?}', ''],
    ['${PATHS/${A}\\/b/X}', 'X/c.tar.gz'],
    ['${PATHS//[./]/-}', 'a/b/c.tar.gz'],
    ['${PATHS/b}', 'a//c.tar.gz'],
    ['${STAR#\\*}', 'x'],
    ['${STAR%\\?}', '*x'],
    ['${PATHS%${NONE:-.gz}}', 'a/b/c.tar'],
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
    ['${', 'has no end'],
    ['${NONE:?must be}', "variable 'NONE' is not set: must be"],
    ['${A^x}', 'not supported'],
    ['${A:#x}', 'not supported'],
    ['${A:=x}', 'not supported'],
    ['${}', 'cannot read the variable'],
    ['${:-x}', 'cannot read the variable'],
    ['${EMPTY:?}', "variable 'EMPTY' is not set"],
    ['${A/\\a/x}', "invalid pattern '\\a'"],
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
  expect(() => jsonForm('["a", 1]')).toThrow(`in '["a", 1]' something is no string`);
  expect(jsonForm('echo')).toBeUndefined();
});

test('expandUnquoted() replaces variables, takes escapes away and keeps quotes', () => {
  const text = "\"$A\" '${NONE:-${A}/x}' \\$A \\\\ \\n it's\n";
  expect(expandUnquoted(text, lookup)).toBe("\"a\" 'a/x' $A \\ n it's\n");
});
