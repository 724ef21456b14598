import type { GatewayConfig } from '@flatend/gateway'
import type { NodeOptions } from './options.ts'

/** What a gateway's configuration says of its mesh node: whom it joins, and what it shows them. */
export function configuredNode(config: GatewayConfig): NodeOptions {
  const { network, lan, relay, profile, allow, puzzles } = config
  return {
    addrs: config.bootstrap,
    legacy: config.legacy,
    ...(network === undefined ? {} : { network }),
    ...(lan === undefined ? {} : { lan }),
    ...(relay === undefined ? {} : { relay }),
    ...(profile === undefined ? {} : { profile }),
    ...(allow === undefined ? {} : { allow }),
    ...(puzzles === undefined ? {} : { puzzles }),
  }
}
