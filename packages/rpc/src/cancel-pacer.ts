import { TokenBucket } from '@flatend/wire'
import { RESET } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import type { MessageSender } from './message-sender.ts'
import type { Clock, Timer } from './ports.ts'

/** Of what the peer takes; the rest is for what the network delays and delivers at once. */
const SHARE = 0.9

/** A stream the peer was not yet told of. */
interface Waiting {
  readonly id: number
  readonly deadline: number
  readonly reason: string
}

/**
 * Keeps our cancels below what a peer counts as a flood of RESETs, for which it would end the
 * connection and every other call on it: a gateway whose clients all leave at once cancels
 * hundreds. Those above wait their turn, at the longest until the call's deadline ends it anyway.
 */
export class CancelPacer {
  readonly #clock: Clock
  readonly #sender: MessageSender
  readonly #budget: TokenBucket
  readonly #waiting: Waiting[] = []
  #timer: Timer | undefined

  constructor(clock: Clock, sender: MessageSender, limits: RpcLimits) {
    this.#clock = clock
    this.#sender = sender
    const rate = {
      perSecond: limits.resetsPerSecond * SHARE,
      burst: limits.resetBurst * SHARE,
    }
    this.#budget = new TokenBucket(rate, clock.now())
  }

  cancel(waiting: Waiting): void {
    if (this.#waiting.length === 0 && this.#budget.take(this.#clock.now())) this.#send(waiting)
    else {
      this.#waiting.push(waiting)
      this.#arm()
    }
  }

  clear(): void {
    this.#waiting.length = 0
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #release = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    let done = 0
    for (const waiting of this.#waiting) {
      if (waiting.deadline > now) {
        if (!this.#budget.take(now)) break
        this.#send(waiting)
      }
      done++
    }
    this.#waiting.splice(0, done)
    if (this.#waiting.length > 0) this.#arm()
  }

  /** Looks again in a quarter of a second: a peer that takes none at all still has deadlines. */
  #arm(): void {
    this.#timer ??= this.#clock.schedule(250, this.#release)
  }

  #send({ id, reason }: Waiting): void {
    this.#sender.reset(id, RESET.cancelled, reason)
  }
}
