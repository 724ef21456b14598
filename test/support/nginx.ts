// A real proxy that passes nothing but HTTP: Debian's nginx.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './gateway.ts'
import { eventually, freePort, type Process, start } from './processes.ts'
import type { Requirement } from './skip.ts'

const program = process.env['NGINX'] ?? '/usr/sbin/nginx'

/** What {@link startNginx} needs. */
export const nginxHere: Requirement = {
  met: existsSync(program),
  what: 'a node behind nginx',
  reason: `no ${program} (install Debian's nginx, or name another in NGINX)`,
}

/** An nginx that runs. */
export interface Nginx {
  readonly port: number
  readonly process: Process
  /** Ends it, and starts it again on the same port. */
  restart(): Promise<void>
}

/** Starts one, on a port of its own and below a folder of its own, with these locations. */
export async function startNginx(locations: string): Promise<Nginx> {
  const folder = temporaryFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'temp'))
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, locations))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const launch = async (): Promise<Process> => {
    const child = start(args, { program })
    await eventually(async () => child.alive && (await answers(port)))
    return child
  }
  let running = await launch()
  return {
    port,
    get process() {
      return running
    },
    restart: async () => {
      await running.stop()
      running = await launch()
    },
  }
}

async function answers(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  )
}

/** All it writes goes into the folder it runs in; it runs in the foreground, as whoever tests. */
function configuration(port: number, locations: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log access.log;
  ${kinds.map((kind) => `${kind}_temp_path temp/${kind};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${locations}
    location / {
      return 404;
    }
  }
}
`
}
