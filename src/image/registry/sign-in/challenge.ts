/**
 * WWW-Authenticate of a registry: RFC 9110 section 11.6.1, as the distribution token protocol uses it.
 */

interface Challenge {
  /** Lowercase: `basic`, `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The challenges in the order given; what is malformed ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.trim();
  while (rest !== '') {
    const scheme = /^([\w-]+)(?:\s+|$)/.exec(rest);
    if (scheme?.[1] === undefined) break;
    rest = rest.slice(scheme[0].length);
    const parameters: Record<string, string> = {};
    for (;;) {
      const parameter = /^,?\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*/.exec(rest);
      if (parameter?.[1] === undefined) break;
      const value = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? '';
      parameters[parameter[1].toLowerCase()] = value;
      rest = rest.slice(parameter[0].length);
    }
    challenges.push({ scheme: scheme[1].toLowerCase(), parameters });
    rest = rest.replace(/^,\s*/, '');
  }
  return challenges;
}
