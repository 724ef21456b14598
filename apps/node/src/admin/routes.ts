import { readFileSync } from 'node:fs'
import { type GatewayConfig, openApi, PROMETHEUS_TYPE } from '@flatend/gateway'
import { writeMetrics } from './metrics.ts'
import type { Reloader } from './reloads.ts'
import type { AdminAnswer, AdminRoutes } from './server.ts'
import { readState, type StateSources } from './state.ts'

/** What {@link adminRoutes} shows. */
export interface AdminSources extends StateSources {
  /** As it is served now. */
  readonly config: () => GatewayConfig
  readonly reloader: Reloader
}

/** The page's files, beside `src` and `dist`. */
const FOLDER = new URL('../../admin/', import.meta.url)
const PAGE: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/draw.js', 'draw.js', 'text/javascript; charset=utf-8'],
  ['/style.css', 'style.css', 'text/css; charset=utf-8'],
]

/** Everything the admin listener answers. */
export function adminRoutes(sources: AdminSources): AdminRoutes {
  const page = PAGE.map(([path, file, type]) => {
    const body = readFileSync(new URL(file, FOLDER))
    return [`GET ${path}`, () => ({ type, body })] as const
  })
  return {
    ...Object.fromEntries(page),
    'GET /healthz': () => json({ status: 'ok' }),
    'GET /readyz': () => {
      const readiness = sources.readiness()
      return json(readiness, readiness.ready ? 200 : 503)
    },
    'GET /metrics': () => ({
      type: PROMETHEUS_TYPE,
      body: writeMetrics(readState(sources), sources.metrics),
    }),
    'GET /state': () => json(readState(sources)),
    'GET /openapi.json': () => json(openApi(sources.config(), { version: sources.version })),
    'POST /reload': async () => {
      const outcome = await sources.reloader.reload('admin')
      return json(outcome, outcome.ok ? 200 : 422)
    },
  }
}

function json(value: unknown, status = 200): AdminAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}
