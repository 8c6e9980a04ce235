/** Types of the RetroSpec browser SDK (`retrospec.mjs`). Each option's default is in brackets. */

export interface RetrospecOptions {
  /** Project key with the `ingest` scope. */
  apiKey: string;
  /** Where RetroSpec answers; a path on your own origin works too [where the script came from]. */
  apiBaseUrl?: string;
  /** Name of the site [the page's host]. */
  site?: string;
  /** Route to report instead of the page's path. */
  route?: string;
  release?: string;
  environment?: string;
  tags?: Record<string, string>;
  /** Begin at once [true]; with false, `start()` begins, e.g. after consent. */
  autoStart?: boolean;
  /** Log the SDK's own troubles to the console [false]. */
  debug?: boolean;

  /** Share of sessions recorded from the start [1]. */
  sampleRate?: number;
  /** Share of the other sessions that are sent once something fails [0]. */
  onErrorSampleRate?: number;
  /** How much of such a session is kept before its first failure, in milliseconds [60000]. */
  errorBufferMs?: number;
  /** Most events held in memory [50000]. */
  maxEvents?: number;
  /** Longest time an event waits to be sent; the smaller of the two counts [15000, 60000]. */
  chunkMs?: number;
  autoFlushMs?: number;
  /** Without input for so long, the session is over [900000]. */
  idleMs?: number;
  /** Longest session [3600000]. */
  maxSessionMs?: number;
  /** Share of the main thread the SDK may use before it records less [0.02]. */
  cpuBudget?: number;
  /** Record what canvases show [false]; fetches a larger recorder, and recording begins once that is there. */
  recordCanvas?: boolean;
  /** Keep same-origin images, fonts and style sheets with the recording, once per content [true]. */
  assets?: boolean;
  /** Most bytes of them one page uploads [4194304]. */
  assetPageBytes?: number;

  /** What is watched [all true]. */
  recordConsole?: boolean;
  recordNetwork?: boolean;
  recordXHR?: boolean;
  detectRageClicks?: boolean;
  detectDeadClicks?: boolean;
  detectFormValidation?: boolean;
  detectReloadLoops?: boolean;
  rageClickThreshold?: number;
  rageClickWindowMs?: number;
  deadClickMs?: number;
  reloadLoopThreshold?: number;
  reloadLoopWindowMs?: number;
  slowRequestMs?: number;
  longTaskMs?: number;
  quickBackMs?: number;
  /** Messages that are never marked: parts of the text, or regular expressions. */
  ignoreErrors?: (string | RegExp)[];
  /** Requests that are never marked. */
  ignoreUrls?: (string | RegExp)[];
  /** Failed requests whose bodies may be attached, scrubbed and cut to 2,000 characters [none]. */
  captureBodies?: (string | RegExp)[];

  /** Mask what is typed [true]. Hidden, password and one-time-code fields are masked whatever is set here. */
  maskAllInputs?: boolean;
  /** With `maskAllInputs: false`: the input types still masked, e.g. `{ tel: true }`. */
  maskInputOptions?: Record<string, boolean>;
  /** Mask all text of the page, too [false]. */
  maskAllText?: boolean;
  /** Selectors beside `data-retrospec-mask`, `-unmask`, `-block` and `-ignore`. */
  maskSelector?: string;
  unmaskSelector?: string;
  blockSelector?: string;
  ignoreSelector?: string;
  /** More to remove from labels, messages and addresses; regular expressions need the `g` flag. */
  scrub?: (string | RegExp)[];
  /** Record nothing for visitors with Global Privacy Control or Do Not Track [false]. */
  respectPrivacySignals?: boolean;
}

export interface FlushResult {
  sessionId: string;
  eventsObjectKey: string;
  /** Whether everything recorded so far has been acknowledged. */
  ingestAccepted: boolean;
}

export interface Receipt {
  id: string;
  clusterKey: string;
  state: string;
}

export interface Retrospec {
  initRetrospec(options: RetrospecOptions): Retrospec;
  /** Empty while nothing is recorded. */
  readonly sessionId: string;
  start(): void;
  pause(): void;
  flush(): Promise<FlushResult>;
  stop(): Promise<FlushResult>;
  /** Who is signed in; `null` for nobody. */
  identify(id: string | null, traits?: Record<string, unknown>): void;
  setTags(tags: Record<string, string>): void;
  /** Marks an error you have handled; returns the marker's id, empty when it was not marked. */
  capture(error: unknown, extra?: Record<string, unknown>): string;
  /** Marks a moment of your own; returns the marker's id. */
  mark(label: string, data?: Record<string, unknown>): string;
  addBreadcrumb(message: string, data?: Record<string, unknown>): void;
  /** What the server has said of a marker so far. */
  receipt(markerId: string): Receipt | null;
}

export const retrospec: Retrospec;
export function initRetrospec(options: RetrospecOptions): Retrospec;
