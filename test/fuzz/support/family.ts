import { RemoteProtocolError } from '@flatend/wire'
import { Random } from './mutate.ts'

/** How many inputs each family gets. */
export const RUNS = Number(process.env['FLATEND_FUZZ_RUNS'] ?? 1_000_000)
/** Another number, other inputs. */
const SEED = Number(process.env['FLATEND_FUZZ_SEED'] ?? 2_020)
/** No input may take longer, in milliseconds: whoever sends it has the node to himself that long. */
const MOST_MS = 5
/** A slow input is tried again after these waits, in milliseconds: the machine may have been busy. */
const RETRY_AFTER = [0, 20, 250]

/** Inputs of one kind, and the code that has to stand them. */
export interface Family<Input> {
  readonly name: string
  make(random: Random): Input
  /** Throws what the code throws. What it returns is counted: the ways in which inputs end. */
  run(input: Input): string
  show(input: Input): string
}

/** What a run showed. */
export interface Report {
  readonly inputs: number
  readonly perSecond: number
  readonly slowestMs: number
  /** How inputs ended, and how many did so. */
  readonly ends: ReadonlyMap<string, number>
}

/** How one input ended: the code of a typed error, or what `run` says. */
function endOf<Input>(family: Family<Input>, input: Input): string {
  try {
    return family.run(input)
  } catch (error) {
    if (error instanceof RemoteProtocolError) return error.code
    throw new Error(`${family.name}: ${String(error)} on ${family.show(input)}`, { cause: error })
  }
}

function timed<Input>(family: Family<Input>, input: Input): readonly [string, number] {
  const began = performance.now()
  const end = endOf(family, input)
  return [end, performance.now() - began]
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** The least of several tries, by the wall or by the processor: what it takes where nothing else runs. */
function retried<Input>(family: Family<Input>, input: Input): number {
  let least = Number.POSITIVE_INFINITY
  for (const wait of RETRY_AFTER) {
    if (least <= MOST_MS) break
    Atomics.wait(sleeper, 0, 0, wait)
    const before = process.cpuUsage()
    const [, ms] = timed(family, input)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, ms, (user + system) / 1_000)
  }
  return least
}

/**
 * Gives a family its inputs; the same seed gives the same.
 * @throws Error that shows the input, where one ends in anything but a typed error or takes too long
 */
export function fuzz<Input>(family: Family<Input>, runs: number = RUNS): Report {
  // Most inputs end in an error, and most of the time of an error is its stack.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return fuzzed(family, runs)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function fuzzed<Input>(family: Family<Input>, runs: number): Report {
  const random = new Random(SEED)
  const ends = new Map<string, number>()
  let slowestMs = 0
  const began = performance.now()
  for (let i = 0; i < runs; i += 1) {
    const input = family.make(random)
    const [end, ms] = timed(family, input)
    ends.set(end, (ends.get(end) ?? 0) + 1)
    const least = ms > MOST_MS ? retried(family, input) : ms
    if (least > MOST_MS)
      throw new Error(`${family.name}: ${least} ms, input ${i}: ${family.show(input)}`)
    slowestMs = Math.max(slowestMs, least)
  }
  const perSecond = Math.round((runs / (performance.now() - began)) * 1_000)
  const all = [...ends].map(([end, count]) => `${end} ${count}`).join(', ')
  process.stdout.write(
    `fuzz ${family.name}: seed ${SEED}, ${runs} inputs, ${perSecond}/s, slowest ${slowestMs.toFixed(2)} ms; ${all}\n`,
  )
  return { inputs: runs, perSecond, slowestMs, ends }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
