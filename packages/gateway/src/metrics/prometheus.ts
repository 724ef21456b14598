/** A label and its value, and so on. */
export type Labels = Readonly<Record<string, string>>

/** What a family of samples is, in Prometheus's words. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
}

/** The media type of what {@link PrometheusText} writes. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Writes metrics in Prometheus's text format 0.0.4, family by family. */
export class PrometheusText {
  #text = ''
  #name = ''

  /** Begins a family: its samples follow. */
  family({ name, help, type }: Family): this {
    this.#name = name
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    return this
  }

  /** @param suffix - `_bucket`, `_sum` or `_count` of a histogram */
  sample(value: number, labels: Labels = {}, suffix = ''): this {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`)
    const list = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
    this.#text += `${this.#name}${suffix}${list} ${format(value)}\n`
    return this
  }

  /** A family of one sample without labels. */
  single(family: Family, value: number): this {
    return this.family(family).sample(value)
  }

  toString(): string {
    return this.#text
  }
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function format(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
