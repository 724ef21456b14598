import { type Level, type Logger as PinoLogger, pino } from 'pino'
import { printable } from './printable.ts'
import { UsageError } from './usage.ts'

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/**
 * The command's log, on standard output or error: lines for people on a terminal and by default,
 * JSON with `FLATEND_LOG=json`. Or wherever `sink` writes it.
 */
export function createLogger(level: string | undefined, sink: 1 | 2 | LogSink): PinoLogger {
  const wanted = level ?? 'info'
  if (!(LEVELS as readonly string[]).includes(wanted)) {
    throw new UsageError(`log level "${wanted}" is unknown: use ${LEVELS.join(', ')}`)
  }
  const stream = sink === 1 ? process.stdout : sink === 2 ? process.stderr : sink
  const options = { level: wanted as Level, base: null }
  if (process.env['FLATEND_LOG'] === 'json') return pino(options, stream)
  return pino(options, { write: (line: string) => void stream.write(pretty(line)) })
}

/** Takes whole lines. */
export interface LogSink {
  write(line: string): unknown
}

interface Entry {
  readonly level: number
  readonly time: number
  readonly msg?: string
  readonly err?: { readonly message?: string; readonly stack?: string }
  readonly [field: string]: unknown
}

const NAMES: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info ',
  40: 'warn ',
  50: 'error',
}

function pretty(line: string): string {
  const { level, time, msg = '', err, ...fields } = JSON.parse(line) as Entry
  const clock = new Date(time).toISOString().slice(11, 23)
  let text = `${clock} ${NAMES[level] ?? level} ${msg}`
  for (const [name, value] of Object.entries(fields)) {
    text += ` ${name}=${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`
  }
  if (err) text += `\n  ${err.stack ?? err.message ?? JSON.stringify(err)}`
  return `${printable(text)}\n`
}

function quote(value: string): string {
  return /^[\w.:/@*[\]-]+$/.test(value) ? value : JSON.stringify(value)
}
