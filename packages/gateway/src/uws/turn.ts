/**
 * uWebSockets.js corks a socket while it parses what arrived, and microtasks of our callbacks run
 * inside that cork. Its cork buffer is 16 KiB, and a second write that does not fit is lost where
 * the socket is full. So what is written in the turn of the event loop a request or chunk arrived
 * in is counted, and what would be too much waits until the turn is over.
 */
const CORK_BUDGET = 14_336

let turn = 0
let corked = 0
let scheduled = false
let waiting: (() => void)[] = []

/** Number of the current turn. Moves only when somebody waits: what is older may not be corked. */
export function currentTurn(): number {
  return turn
}

/** Takes `bytes` of this turn's cork; false where they might not fit. */
export function takeCork(bytes: number): boolean {
  if (corked + bytes > CORK_BUDGET) return false
  corked += bytes
  return true
}

/** Whether so many bytes fit an empty cork. */
export function fitsCork(bytes: number): boolean {
  return bytes <= CORK_BUDGET
}

/** Runs `callback` once no parser is on the stack any more. */
export function afterTurn(callback: () => void): void {
  waiting.push(callback)
  if (scheduled) return
  scheduled = true
  setImmediate(next)
}

function next(): void {
  scheduled = false
  turn++
  corked = 0
  const callbacks = waiting
  waiting = []
  for (const callback of callbacks) callback()
}
