/** The variables of a template: each block has its own, and sees those around it. */

interface Variable {
  value: unknown;
}

export class Scope {
  readonly #outer: Scope | undefined;
  readonly #variables = new Map<string, Variable>();

  private constructor(outer: Scope | undefined) {
    this.#outer = outer;
  }

  /** The outermost: `$` is the record that a template is shown for. */
  static of(record: unknown): Scope {
    const scope = new Scope(undefined);
    scope.declare('$', record);
    return scope;
  }

  inner(): Scope {
    return new Scope(this);
  }

  declare(name: string, value: unknown): void {
    this.#variables.set(name, { value });
  }

  find(name: string): Readonly<Variable> | undefined {
    return this.#find(name);
  }

  /** Changes it where it was declared. @returns false when it is not there. */
  assign(name: string, value: unknown): boolean {
    const variable = this.#find(name);
    if (variable === undefined) return false;
    variable.value = value;
    return true;
  }

  #find(name: string): Variable | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.#outer) {
      const found = scope.#variables.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
