/** Slots at first and at most, powers of two: an idle connection has few, a busy one stays bounded. */
const FEWEST = 8
const MOST = 256
const FREE = -1

/**
 * What is open on a connection, by stream id. A `Map` would do, were it not for its rehashing: V8
 * links each outgrown table to the next, so that one dead table in old space keeps all later ones,
 * and the streams in them, alive through every scavenge. That doubled the cost of a small call.
 *
 * A stream's slot is its id's low bits. Ids rise by two, so those open at once meet in a slot only
 * where one is old; then the slots double, and at their most a map takes the newer one.
 */
export class IdMap<T> {
  #ids: number[] = filled<number>(FEWEST, FREE)
  #values: (T | undefined)[] = filled<T | undefined>(FEWEST, undefined)
  readonly #more = new Map<number, T>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): T | undefined {
    const slot = this.#slotOf(id)
    if (this.#ids[slot] === id) return this.#values[slot]
    return this.#more.size === 0 ? undefined : this.#more.get(id)
  }

  has(id: number): boolean {
    return this.get(id) !== undefined
  }

  /** @param id - not in the map yet */
  set(id: number, value: T): void {
    this.#size++
    while (this.#ids[this.#slotOf(id)] !== FREE && this.#ids.length < MOST) this.#grow()
    this.#put(id, value)
  }

  /** @returns whether there was one */
  delete(id: number): boolean {
    const slot = this.#slotOf(id)
    if (this.#ids[slot] === id) {
      this.#ids[slot] = FREE
      this.#values[slot] = undefined
    } else if (!this.#more.delete(id)) return false
    this.#size--
    return true
  }

  /** In no order; what is deleted meanwhile may be left out. */
  *values(): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value
    yield* this.#more.values()
  }

  #slotOf(id: number): number {
    return (id >>> 1) & (this.#ids.length - 1)
  }

  #put(id: number, value: T): void {
    const slot = this.#slotOf(id)
    if (this.#ids[slot] === FREE) {
      this.#ids[slot] = id
      this.#values[slot] = value
    } else this.#more.set(id, value)
  }

  #grow(): void {
    const ids = this.#ids
    const values = this.#values
    this.#ids = filled<number>(ids.length * 2, FREE)
    this.#values = filled<T | undefined>(ids.length * 2, undefined)
    for (const [i, id] of ids.entries()) if (id !== FREE) this.#put(id, values[i] as T)
  }
}

function filled<T>(length: number, value: T): T[] {
  return Array.from({ length }, () => value)
}
