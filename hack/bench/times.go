package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"
)

// maxOverhead is what a wake may take longer than a bare pod's start, at the median.
const maxOverhead = 15 * time.Millisecond

// quantile is the value below which that part of the sorted durations lies, by the nearest rank; the median of an even number
// is between the two in the middle.
func quantile(sorted []time.Duration, part float64) time.Duration {
	n := len(sorted)
	if part == 0.5 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[max(0, int(math.Ceil(part*float64(n)))-1)]
}

func median(d []time.Duration) time.Duration {
	return quantile(slices.Sorted(slices.Values(d)), 0.5)
}

func tookOf(samples []sample) []time.Duration {
	took := make([]time.Duration, len(samples))
	for i, s := range samples {
		took[i] = s.took()
	}
	return took
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// printTimes prints how long the starts took.
func printTimes(out io.Writer, r runs) {
	bare, least, wake := tookOf(r.bare), tookOf(r.least), tookOf(r.wake)
	apart := make([]time.Duration, len(wake))
	for i := range wake {
		apart[i] = wake[i] - bare[i]
	}
	fmt.Fprintf(out, "\nFrom the request to the answer, in ms; the processors were idle for %s of the time (80 to 90 %% when nothing else runs)\n\n", r.idle)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tn\tmin\tp50\tp90\tmax\t")
	for _, row := range []struct {
		title string
		took  []time.Duration
	}{
		{"bare pod", bare}, {"a wake's writes and watches alone", least}, {"cold wake", wake}, {"wake and bare pod of a round, apart", apart}, {"cold wake of a new key", tookOf(r.fresh)},
	} {
		if len(row.took) == 0 {
			continue
		}
		sorted := slices.Sorted(slices.Values(row.took))
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t\n", row.title, len(sorted), ms(sorted[0]),
			ms(quantile(sorted, 0.5)), ms(quantile(sorted, 0.9)), ms(sorted[len(sorted)-1]))
	}
	_ = t.Flush()
	fmt.Fprintf(out, "\nmedian of a wake's writes and watches alone above median bare pod: %s ms: the design's share\n", ms(median(least)-median(bare)))
	overhead := median(wake) - median(bare)
	low, high := chance(wake, bare)
	fmt.Fprintf(out, "median wake above median bare pod: %s ms; target: at most %s ms: %s; nine of ten runs like this one find %s to %s ms\n",
		ms(overhead), ms(maxOverhead), okay(overhead <= maxOverhead), ms(low), ms(high))
}

// chance is between which values the difference of the medians of such rounds lies, nine times of ten: those of rounds that are drawn from
// these, as often as there are of them. It says how much of a figure is luck.
func chance(wake, bare []time.Duration) (low, high time.Duration) {
	const times = 2000
	draw := rand.New(rand.NewPCG(1, 2)) // the same rounds give the same words
	found, w, b := make([]time.Duration, times), make([]time.Duration, len(wake)), make([]time.Duration, len(wake))
	for i := range found {
		for k := range w {
			round := draw.IntN(len(wake))
			w[k], b[k] = wake[round], bare[round]
		}
		found[i] = median(w) - median(b)
	}
	slices.Sort(found)
	return quantile(found, 0.05), quantile(found, 0.95)
}
