/** A number, or one for each set of labels, for those who watch the instance. */
export interface Metric {
  /** In Prometheus' form, without `heliostat_` in front. */
  readonly name: string;
  readonly help: string;
  readonly values: readonly MetricValue[];
}

export interface MetricValue {
  /** Words of our own, never a name that a user gave. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}
