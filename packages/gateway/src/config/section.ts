import { DURATION_ALLOWED, parseDuration } from './duration.ts'
import { suggest } from './suggest.ts'
import type { TomlTable, TomlValue } from './toml.ts'
import type { ConfigProblem, SourcePosition } from './types.ts'

/** Collects what is wrong in one file. */
export class Problems {
  readonly file: string
  readonly errors: ConfigProblem[] = []
  readonly warnings: ConfigProblem[] = []
  /**
   * Where it is there, nothing is read: it takes each key that is asked for, and what its value may
   * be. Every table is said to be there, so that the keys in it are asked for too.
   */
  readonly asked: Map<string, string> | undefined

  constructor(file: string, asked?: Map<string, string>) {
    this.file = file
    this.asked = asked
  }

  error(at: SourcePosition, problem: Omit<ConfigProblem, 'file' | 'line' | 'column'>): void {
    this.errors.push({ file: this.file, line: at.line, column: at.column, ...problem })
  }

  warn(at: SourcePosition, problem: Omit<ConfigProblem, 'file' | 'line' | 'column'>): void {
    this.warnings.push({ file: this.file, line: at.line, column: at.column, ...problem })
  }
}

/** A text that knows where it stands. */
export interface Located {
  readonly value: string
  readonly at: SourcePosition
}

/**
 * Reads the keys of one table. Whatever is asked for counts as known; `finish` reports the rest.
 * A value of the wrong type is reported and read as absent, so that one run finds every problem.
 */
export class Section {
  readonly at: SourcePosition
  readonly path: string
  readonly #table: TomlTable
  readonly #problems: Problems
  readonly #known: string[] = []

  constructor(table: TomlTable, path: string, problems: Problems) {
    this.#table = table
    this.#problems = problems
    this.at = table.at
    this.path = path
  }

  /** Where `key` stands; the table itself where it is absent. */
  where(key: string): SourcePosition {
    return this.#table.entries.get(key)?.at ?? this.at
  }

  /** Every key there is, for tables whose keys are the user's own. */
  keys(): readonly string[] {
    return [...this.#table.entries.keys()]
  }

  has(key: string): boolean {
    return this.#problems.asked !== undefined || this.#table.entries.has(key)
  }

  error(key: string, message: string, allowed?: string): void {
    this.errorAt(this.where(key), key, allowed === undefined ? { message } : { message, allowed })
  }

  errorAt(
    at: SourcePosition,
    key: string,
    problem: { readonly message: string; readonly allowed?: string; readonly suggestion?: string },
  ): void {
    this.#problems.error(at, { key: this.#full(key), ...problem })
  }

  warn(key: string, message: string): void {
    this.#problems.warn(this.where(key), { key: this.#full(key), message })
  }

  text(key: string): Located | undefined {
    return this.#read(key, 'text in quotes', (value) =>
      value.kind === 'string' ? { value: value.value, at: value.at } : undefined,
    )
  }

  /** A text that is not empty. */
  filled(key: string): Located | undefined {
    const text = this.text(key)
    if (text?.value.trim() !== '') return text
    this.error(key, 'is empty', 'text in quotes')
    return undefined
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, 'true or false', (value) =>
      value.kind === 'boolean' ? value.value : undefined,
    )
  }

  /** Yes, no, or one of `values` in quotes. */
  flagOr<T extends string>(key: string, values: readonly T[]): boolean | T | undefined {
    const allowed = ['true', 'false', ...values.map((value) => `"${value}"`)].join(', ')
    return this.#read(key, allowed, (value) => {
      if (value.kind === 'boolean') return value.value
      return value.kind === 'string' ? values.find((one) => one === value.value) : undefined
    })
  }

  /** A number of bytes. */
  size(key: string): number | undefined {
    return this.#read(key, 'a whole number of bytes, 0 or more', (value) =>
      value.kind === 'integer' && value.value >= 0 && Number.isSafeInteger(value.value)
        ? value.value
        : undefined,
    )
  }

  /** Milliseconds of a duration in quotes. */
  duration(key: string): number | undefined {
    return this.#read(key, DURATION_ALLOWED, (value) =>
      value.kind === 'string' ? parseDuration(value.value) : undefined,
    )
  }

  choice<T extends string>(key: string, values: readonly T[]): T | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const found = values.find((value) => value === text.value)
    if (found !== undefined) return found
    const near = suggest(text.value, values)
    this.errorAt(text.at, key, {
      message: `"${text.value}" is not one of its values`,
      allowed: values.map((value) => `"${value}"`).join(', '),
      ...(near === undefined ? {} : { suggestion: near }),
    })
    return undefined
  }

  texts(key: string): readonly Located[] | undefined {
    return this.#read(key, 'a list of texts, such as ["a", "b"]', (value) => {
      if (value.kind !== 'array') return undefined
      const texts: Located[] = []
      for (const item of value.items) {
        if (item.kind !== 'string') return undefined
        texts.push({ value: item.value, at: item.at })
      }
      return texts
    })
  }

  /** The values of `one` and of `many` together, without repeats. */
  merged(one: string, many: string): readonly Located[] {
    const single = this.filled(one)
    const all = [...(single === undefined ? [] : [single]), ...(this.texts(many) ?? [])]
    const seen = new Set<string>()
    return all.filter(({ value }) => !seen.has(value) && seen.add(value))
  }

  table(key: string): Section | undefined {
    const allowed = `a table, [${this.#full(key).replaceAll(/\[\d+\]/g, '')}]`
    const found = this.#read(key, allowed, (value) =>
      value.kind === 'table' ? new Section(value, this.#full(key), this.#problems) : undefined,
    )
    return found ?? this.#asking(key)
  }

  /** Yes, no, or a table of options. */
  flagOrTable(key: string): boolean | Section | undefined {
    const found = this.#read<boolean | Section>(key, 'true, false, a table of options', (value) => {
      if (value.kind === 'boolean') return value.value
      if (value.kind !== 'table') return undefined
      return new Section(value, this.#full(key), this.#problems)
    })
    return found ?? this.#asking(key)
  }

  tables(key: string): readonly Section[] {
    const header = `tables, each under [[${this.#full(key).replaceAll(/\[\d+\]/g, '')}]]`
    const found = this.#read(key, header, (value) => {
      if (value.kind !== 'array') return undefined
      const sections: Section[] = []
      for (const [index, item] of value.items.entries()) {
        if (item.kind !== 'table') return undefined
        sections.push(new Section(item, `${this.#full(key)}[${index}]`, this.#problems))
      }
      return sections
    })
    const asking = this.#asking(key)
    return found ?? (asking ? [asking] : [])
  }

  /** The tables of `[key]` or of each `[[key]]`. */
  oneOrMore(key: string): readonly Section[] {
    if (this.#table.entries.get(key)?.value.kind === 'array') return this.tables(key)
    const table = this.table(key)
    return table ? [table] : []
  }

  /** Reports every key nobody asked for. */
  finish(): void {
    for (const [key, entry] of this.#table.entries) {
      if (this.#known.includes(key)) continue
      const near = suggest(key, this.#known)
      this.errorAt(entry.at, key, {
        message: 'is not a key of this table',
        allowed: this.#known.join(', '),
        ...(near === undefined ? {} : { suggestion: near }),
      })
    }
  }

  #read<T>(key: string, allowed: string, take: (value: TomlValue) => T | undefined): T | undefined {
    if (!this.#known.includes(key)) this.#known.push(key)
    this.#problems.asked?.set(this.#full(key), allowed)
    const entry = this.#table.entries.get(key)
    if (entry === undefined) return undefined
    const taken = take(entry.value)
    if (taken === undefined) {
      this.errorAt(entry.value.at, key, {
        message: `${describe(entry.value)} is not right`,
        allowed,
      })
    }
    return taken
  }

  /** An empty table, where all that matters is which keys are asked for. */
  #asking(key: string): Section | undefined {
    if (this.#problems.asked === undefined) return undefined
    const table: TomlTable = { kind: 'table', at: this.at, entries: new Map() }
    return new Section(table, this.#full(key), this.#problems)
  }

  #full(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }
}

function describe(value: TomlValue): string {
  if (value.kind === 'string') return JSON.stringify(value.value)
  if ('value' in value) return String(value.value)
  return value.kind === 'array' ? 'a list' : `a ${value.kind}`
}
