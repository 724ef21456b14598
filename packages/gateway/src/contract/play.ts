import type { CallHandle, CallRequest } from '../ports.ts'
import { ContractError, expectThat } from './expect.ts'
import {
  Answer,
  type CallerCase,
  type CallerScene,
  type ServedCall,
  type ServedSink,
  type Service,
} from './scene.ts'

/** Turns something may take before it counts as missing. */
const PATIENCE = 5_000
/** Turns after which what has not come will not come. */
const SILENCE = 40

/** A service, and the calls that came to it. */
class Served {
  readonly calls: ServedCall[] = []
  readonly sinks: Hears[] = []
  whenCalled: (call: ServedCall, hears: Hears) => void = () => undefined
  readonly serve: Service = (call) => {
    const hears = new Hears()
    this.calls.push(call)
    this.sinks.push(hears)
    this.whenCalled(call, hears)
    return hears
  }
}

/** What a service hears of one call. */
export class Hears implements ServedSink {
  readonly chunks: Uint8Array[] = []
  ends = 0
  cancels = 0
  /** What came once the body was complete or the call over. */
  readonly late: string[] = []
  whenData: (chunk: Uint8Array) => void = () => undefined
  whenEnd: () => void = () => undefined
  whenDrain: () => void = () => undefined

  get received(): number {
    return this.chunks.reduce((total, { length }) => total + length, 0)
  }

  data(chunk: Uint8Array): void {
    if (this.ends + this.cancels > 0) this.late.push('data')
    this.chunks.push(chunk)
    this.whenData(chunk)
  }
  end(): void {
    if (this.cancels > 0) this.late.push('end')
    this.ends++
    this.whenEnd()
  }
  cancel(): void {
    this.cancels++
  }
  drain(): void {
    this.whenDrain()
  }
}

/** A scene whose service is called `service`. */
export interface Played extends CallerScene {
  readonly served: Served
}

export function callerCase(name: string, play: (scene: Played) => Promise<void>): CallerCase {
  return {
    name,
    run: async (make) => {
      const served = new Served()
      const scene = await make({ service: served.serve, other: other.serve })
      try {
        await play({ caller: scene.caller, turn: () => scene.turn(), served })
        const late = served.sinks.flatMap((hears) => hears.late)
        expectThat(late.length === 0, `a service hears nothing late: ${late.join(', ')}`)
      } finally {
        await scene.close?.()
      }
    },
  }
}

/** Answers with 418, so that one can tell who it was. */
const other = new Served()
other.whenCalled = (call) => {
  call.respond(418, [])
  call.end()
}

/** A call that was opened. */
export interface Call {
  readonly handle: CallHandle
  readonly answer: Answer
}

/** Opens a call; its answer's bytes are taken as they come, unless `takes` is false. */
export function open(
  { caller }: CallerScene,
  request: Partial<CallRequest> = {},
  takes = true,
): Call {
  const answer = new Answer()
  const early: number[] = []
  const state: { handle?: CallHandle } = {}
  answer.whenData = ({ length }) => {
    if (!takes) return
    if (state.handle) state.handle.consumed(length)
    else early.push(length)
  }
  const handle = caller.open({ services: ['service'], headers: [], ...request }, answer)
  state.handle = handle
  // Some of the answer may have come before `open` returned.
  for (const length of early) handle.consumed(length)
  return { handle, answer }
}

/** Opens a call of the service alone, and waits until it is there. */
export async function reach(
  scene: Played,
  takes = true,
): Promise<Call & { readonly served: ServedCall; readonly hears: Hears }> {
  const at = scene.served.calls.length
  const call = open(scene, {}, takes)
  await until(scene, () => scene.served.calls.length > at, 'the call reaches its service')
  const [served, hears] = [scene.served.calls[at], scene.served.sinks[at]]
  return { ...call, served: served as ServedCall, hears: hears as Hears }
}

/** The call is over, in whichever way. */
export async function over(scene: CallerScene, { answer }: Call): Promise<void> {
  await until(scene, () => answer.outcome !== undefined, '`end` or `fail` comes')
}

/** Passes time until `condition` holds. @throws ContractError where it never does */
export async function until(
  scene: CallerScene,
  condition: () => boolean,
  what: string,
): Promise<void> {
  for (let turns = 0; turns < PATIENCE; turns++) {
    if (condition()) return
    await scene.turn()
  }
  throw new ContractError(`${what}: it did not happen`)
}

/** Passes enough time for what should not happen. */
export async function pass(scene: CallerScene): Promise<void> {
  for (let turns = 0; turns < SILENCE; turns++) await scene.turn()
}

/** A service that sends headers and body back, no faster than the caller takes them. */
export function echo(call: ServedCall, hears: Hears): void {
  let waits = 0
  call.respond(200, call.headers)
  hears.whenData = (chunk) => {
    if (call.write(chunk)) call.consumed(chunk.length)
    else waits += chunk.length
  }
  hears.whenDrain = () => {
    const bytes = waits
    waits = 0
    call.consumed(bytes)
  }
  hears.whenEnd = () => call.end()
}
