/** One number for those who watch the instance. */
export interface Metric {
  /** In Prometheus' form, without `heliostat_` in front. */
  readonly name: string;
  readonly help: string;
  readonly value: number;
}
