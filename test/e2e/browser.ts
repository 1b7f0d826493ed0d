/** A real Chromium, where one is installed: nothing is downloaded for it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

const chromiumPath = places.find((path) => path !== undefined && existsSync(path)) ?? null;

/** What a test says that needs it. */
export const noChromium =
  chromiumPath === null ? 'no Chromium is installed here (CHROMIUM names one)' : false;

export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  // Its sandbox wants a user that is not root; what it shows here is our own.
  return chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox', ...args] });
}
