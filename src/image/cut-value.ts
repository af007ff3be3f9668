/**
 * What `${NAME#PATTERN}`, `##`, `%`, `%%`, `/`, `//` of a Dockerfile make of a value: `*` and `?` match as in a shell.
 */

/** `word`: all that stands after the operator. */
export function cutValue(value: string, operator: string, word: string): string {
  switch (operator) {
    case '#':
    case '##':
      return cut(value, word, { fromEnd: false, longest: operator === '##' });
    case '%':
    case '%%':
      return cut(value, word, { fromEnd: true, longest: operator === '%%' });
    default: {
      const slash = word.indexOf('/');
      const pattern = new RegExp(regexOf(slash < 0 ? word : word.slice(0, slash)), 's');
      const text = slash < 0 ? '' : word.slice(slash + 1);
      // A function, since `$` in a replacement text has a meaning of its own.
      return value.replace(new RegExp(pattern, operator === '//' ? 'gs' : 's'), () => text);
    }
  }
}

interface Cut {
  readonly fromEnd: boolean;
  readonly longest: boolean;
}

function cut(value: string, pattern: string, { fromEnd, longest }: Cut): string {
  const whole = new RegExp(`^${regexOf(pattern)}$`, 's');
  const lengths = Array.from({ length: value.length + 1 }, (_, index) => index);
  for (const length of longest ? lengths.reverse() : lengths) {
    const part = fromEnd ? value.slice(value.length - length) : value.slice(0, length);
    if (whole.test(part)) return fromEnd ? value.slice(0, value.length - length) : value.slice(length);
  }
  return value;
}

function regexOf(pattern: string): string {
  return pattern
    .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
}
