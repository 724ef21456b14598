import { describe } from './describe.mjs'

/**
 * Tells a call's end, whichever it is.
 * @param {Promise<number>} length - of the answer
 * @param {(length: number | Error) => void} done
 */
export async function tell(length, done) {
  /** @type {number | Error} */
  let result
  try {
    result = await length
  } catch (error) {
    result = new Error(describe(error))
  }
  done(result)
}
