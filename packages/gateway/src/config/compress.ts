import { ENCODINGS, type Encoding } from '../compress/port.ts'
import type { Section } from './section.ts'

/** `compress` of a listener. */
export interface CompressConfig {
  /** Codings that are used, the best first; those the runtime lacks are left out. */
  readonly encodings: readonly Encoding[]
  /** Bodies known to have fewer bytes are left as they are. */
  readonly minSize: number
}

/** Less fits a packet anyway. */
const DEFAULT_MIN_SIZE = 1_024
const STANDARD: CompressConfig = { encodings: ENCODINGS, minSize: DEFAULT_MIN_SIZE }

/** Reads `compress = true` or a table of options. */
export function readCompress(section: Section): CompressConfig | undefined {
  const table = section.flagOrTable('compress')
  if (typeof table !== 'object') return table === true ? STANDARD : undefined
  const minSize = table.size('min_size') ?? DEFAULT_MIN_SIZE
  const encodings: Encoding[] = []
  for (const { value, at } of table.texts('encodings') ?? []) {
    const known = ENCODINGS.find((one) => one === value)
    if (known !== undefined) encodings.push(known)
    else {
      const allowed = ENCODINGS.map((one) => `"${one}"`).join(', ')
      table.errorAt(at, 'encodings', { message: `"${value}" is no coding`, allowed })
    }
  }
  table.finish()
  return { encodings: encodings.length === 0 ? ENCODINGS : encodings, minSize }
}
