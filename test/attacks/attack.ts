/** What came of an attack. */
export interface Outcome {
  /** The attacker got what he wanted. */
  readonly succeeded: boolean
  /** What was seen, in words that are the same in every run: a cell of the table in SECURITY.md. */
  readonly evidence: string
  /** Numbers and bytes of this run, for the log. */
  readonly figures?: Readonly<Record<string, string | number>>
}

/** One attack, run against the 2020 SDK from npm and against this repository's node. */
export interface Attack {
  readonly id: string
  /** What the attacker does. */
  readonly title: string
  /** Why it works there. */
  readonly what2020: string
  /** Why it does not work here. */
  readonly whatOurs: string
  /** Needs the system to say how much memory a process has. @default false */
  readonly measuresMemory?: boolean
  run2020(): Promise<Outcome>
  runOurs(): Promise<Outcome>
}

/** Both outcomes of one attack. */
export interface Result {
  readonly attack: Attack
  readonly old: Outcome
  readonly ours: Outcome
}

const BEGIN = '<!-- attacks:begin -->'
const END = '<!-- attacks:end -->'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const verdict = ({ succeeded, evidence }: Outcome): string =>
  `**${succeeded ? 'succeeds' : 'fails'}**: ${evidence}`

/** The table of SECURITY.md: what each run showed, and why. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ attack, old, ours }) => {
    return [
      attack.title,
      `${verdict(old)}. ${attack.what2020}.`,
      `${verdict(ours)}. ${attack.whatOurs}.`,
    ]
  })
  return markdownTable([['attack', 'flatend@0.0.8 (2020)', 'here'], ...rows])
}

/** Columns padded as the formatter pads them. */
function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(cell))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const rule = widths.map((width) => '-'.repeat(width))
  const [first = [], ...rest] = cells
  return [first, rule, ...rest]
    .map((row) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`)
    .join('\n')
}

/** The block between the markers, without them. */
export function blockOf(document: string): string {
  const [, rest] = document.split(BEGIN)
  const block = rest?.split(END)[0]
  if (block === undefined) throw new Error(`there is no ${BEGIN} … ${END} in the document`)
  return block.trim()
}

/** The document with another block. */
export function withBlock(document: string, block: string): string {
  const start = document.indexOf(BEGIN) + BEGIN.length
  const end = document.indexOf(END)
  return `${document.slice(0, start)}\n\n${block}\n\n${document.slice(end)}`
}
