import { RemoteProtocolError } from '@flatend/wire'
import { Random } from './mutate.ts'

const { FLATEND_FUZZ_RUNS } = process.env
/** How many inputs each decoder gets, and the machines together. */
const RUNS = Number(FLATEND_FUZZ_RUNS ?? 1_000_000)
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

/** How much of it is run. */
export interface Effort {
  /** Of all inputs, this part. @default 1 */
  readonly share?: number
  /**
   * Time of the processor it may take, in milliseconds: not of the wall, for the machine may be busy
   * with something else. FLATEND_FUZZ_RUNS lifts it.
   */
  readonly budgetMs: number
}

/** What a run showed. */
export interface Report {
  readonly inputs: number
  /** How inputs ended, and how many did so. */
  readonly ends: ReadonlyMap<string, number>
}

/**
 * How one input ended: the code of a typed error, or what `run` says.
 * @throws Error that shows the input, where it ended in anything else
 */
export function tried<Input>(family: Family<Input>, input: Input): string {
  try {
    return family.run(input)
  } catch (error) {
    if (error instanceof RemoteProtocolError) return error.code
    throw new Error(`${family.name}: ${String(error)} on ${family.show(input)}`, { cause: error })
  }
}

function timed<Input>(family: Family<Input>, input: Input): readonly [string, number] {
  const began = performance.now()
  const end = tried(family, input)
  return [end, performance.now() - began]
}

/** Milliseconds of the processor since then. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
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
    least = Math.min(least, ms, cpuMs(before))
  }
  return least
}

/**
 * Gives a family its inputs; the same seed gives the same.
 * @throws Error that shows the input, where one ends in anything but a typed error or takes too long
 */
export function fuzz<Input>(family: Family<Input>, effort: Effort): Report {
  // Most inputs end in an error, and most of the time of an error is its stack.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return fuzzed(family, effort)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function fuzzed<Input>(family: Family<Input>, { share = 1, budgetMs }: Effort): Report {
  const { name } = family
  const random = new Random(SEED)
  const ends = new Map<string, number>()
  const runs = Math.ceil(RUNS * share)
  const cpu = process.cpuUsage()
  const most = FLATEND_FUZZ_RUNS === undefined ? budgetMs : Number.POSITIVE_INFINITY
  let inputs = 0
  let slowestMs = 0
  while (inputs < runs && (inputs % 1_000 !== 0 || cpuMs(cpu) < most)) {
    const input = family.make(random)
    const [end, ms] = timed(family, input)
    ends.set(end, (ends.get(end) ?? 0) + 1)
    const least = ms > MOST_MS ? retried(family, input) : ms
    if (least > MOST_MS)
      throw new Error(`${name}: ${least} ms, input ${inputs}: ${family.show(input)}`)
    slowestMs = Math.max(slowestMs, least)
    inputs += 1
  }
  const seconds = cpuMs(cpu) / 1_000
  const all = [...ends].map(([end, count]) => `${end} ${count}`).join(', ')
  process.stdout.write(
    `fuzz ${name}: seed ${SEED}, ${inputs} of ${runs} inputs in ${seconds.toFixed(1)} s, ${Math.round(inputs / seconds)}/s of processor time, slowest ${slowestMs.toFixed(2)} ms; ${all}\n`,
  )
  return { inputs, ends }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
