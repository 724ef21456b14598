import type { Node } from '../node.ts'

/** Whether requests are to be sent here, and why not. */
export interface Readiness {
  readonly ready: boolean
  readonly reason: string | undefined
}

/** Says whether a gateway is joined and not draining. */
export class ReadinessGauge {
  readonly #node: Node
  readonly #seeds: boolean
  #draining = false

  /** @param seeds - whether there are nodes to join through; alone, a gateway is joined as it is */
  constructor(node: Node, seeds: boolean) {
    this.#node = node
    this.#seeds = seeds
  }

  /** From now on nothing is ready. */
  drain(): void {
    this.#draining = true
  }

  read(): Readiness {
    if (this.#draining) return { ready: false, reason: 'draining' }
    return !this.#seeds || this.#node.peers().length > 0
      ? { ready: true, reason: undefined }
      : { ready: false, reason: 'no node of the mesh is connected' }
  }
}
