import type { CompressConfig } from './config/compress.ts'
import type { ConfigProblem, ListenerConfig, RouteConfig, StaticTarget } from './config/types.ts'
import type { GatewayMetrics } from './metrics/meter.ts'
import { type Route, Router } from './routing/router.ts'
import type { FileRoot, FileStore } from './static/file-store.ts'
import type { RouteName } from './transfer/request-record.ts'

/** A route, ready to answer. */
export interface RouteTarget extends RouteName {
  readonly config: RouteConfig
  /** Bytes of a request body at the most. */
  readonly maxBodySize: number
  /** How its answers are compressed. */
  readonly compress: CompressConfig | undefined
  /** What a static route serves. */
  readonly root: FileRoot | undefined
}

export type ListenerRoutes = Router<RouteTarget>

export interface BuildInput {
  readonly listener: ListenerConfig
  readonly files: FileStore | undefined
  /** Key of the listener, for problems. */
  readonly key: string
  readonly file: string
  readonly metrics?: GatewayMetrics | undefined
  /** Takes what is wrong. */
  readonly problems: ConfigProblem[]
}

/** Opens what static routes serve and builds the router of one listener. */
export async function buildListener(input: BuildInput): Promise<ListenerRoutes> {
  const { listener } = input
  const routes: Route<RouteTarget>[] = []
  let fallback: RouteTarget | undefined
  for (const [index, config] of listener.routes.entries()) {
    const target = await targetOf(input, config, index)
    if (target === undefined) continue
    const { method, segments } = config
    if (target.root?.kind !== 'folder') routes.push({ method, segments, target })
    else if (config.path === '/') fallback = target
    else routes.push({ method, segments: belowFolder(config), target })
  }
  const router = new Router({
    routes,
    fallback,
    redirectTrailingSlash: listener.redirectTrailingSlash,
    redirectFixedPath: listener.redirectFixedPath,
  })
  for (const { target } of router.duplicates) report(input, target, 'is never reached')
  if (fallback && takesAll(routes)) report(input, fallback, 'is hidden by a route for /*')
  return router
}

async function targetOf(
  input: BuildInput,
  config: RouteConfig,
  index: number,
): Promise<RouteTarget | undefined> {
  const { target, path } = config
  const services = target.kind === 'service' ? target.services : []
  const maxBodySize = config.maxBodySize ?? input.listener.maxBodySize ?? Number.POSITIVE_INFINITY
  const root = target.kind === 'static' ? await open(input, target, index) : undefined
  const meter = input.metrics?.route({ method: config.method, path, services })
  if (target.kind === 'static' && root === undefined) return undefined
  const { compress } = input.listener
  return { config, path, services, meter, maxBodySize, compress, root }
}

async function open(
  input: BuildInput,
  target: StaticTarget,
  index: number,
): Promise<FileRoot | undefined> {
  try {
    if (input.files === undefined) throw new Error('the gateway was given no access to files')
    return await input.files.open(target.path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    input.problems.push({
      file: input.file,
      ...target.where,
      key: `${input.key}.routes[${index}].static`,
      message: `"${target.path}" cannot be served: ${reason}`,
      allowed: 'a file or a folder that exists',
    })
    return undefined
  }
}

/** A folder at `/a` answers `/a/` and all below, as in 2020. */
function belowFolder({ segments }: RouteConfig): RouteConfig['segments'] {
  const last = segments.at(-1)
  if (last?.rest) return segments
  const above = last?.prefix === '' && last.param === undefined ? segments.slice(0, -1) : segments
  return [...above, { prefix: '', param: 'filepath', rest: true }]
}

const takesAll = (routes: readonly Route<RouteTarget>[]): boolean =>
  routes.some(({ method, segments }) => method === 'GET' && segments[0]?.rest === true)

function report(input: BuildInput, target: RouteTarget, message: string): void {
  const { where, method, path } = target.config
  input.problems.push({
    file: input.file,
    ...where,
    key: `${input.key}.routes`,
    message: `${method} ${path} ${message}`,
  })
}
