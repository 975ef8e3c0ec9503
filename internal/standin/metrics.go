package standin

import (
	"math"
	"time"
)

// The graphs' numbers are made from the time alone, so that all pages show the same and every picture is another.

// points is how many values a line has. One more comes with each poll, whatever range the dashboard claims to show:
// at AWS's pace a wall would seem to stand still.
const points = 120

// A widget is one box of the dashboard.
type widget struct {
	Title  string `json:"title"`
	Kind   string `json:"kind"` // number, line, area, bar
	Unit   string `json:"unit"`
	Series []line `json:"series"`
}

type line struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
}

// A shape says how a metric behaves: its level, how far it swings in a day (here, four minutes), how rough it is, and
// how high it spikes.
type shape struct {
	name                       string
	level, swing, rough, spike float64
}

func widgetsAt(now time.Time) []widget {
	catalogue := []struct {
		title, kind, unit string
		shapes            []shape
	}{
		{"Requests per second", "number", "/s", []shape{{"RequestCount", 1840, 620, 160, 0}}},
		{"Availability", "number", "%", []shape{{"Availability", 99.95, 0.01, 0.02, 0}}},
		{"Latency p99", "number", "ms", []shape{{"p99", 212, 38, 45, 0}}},
		{"Error rate", "number", "%", []shape{{"5xx", 0.12, 0.04, 0.08, 0}}},
		{"Orders in flight", "number", "", []shape{{"InFlight", 318, 90, 46, 0}}},
		{"Oldest message", "number", "s", []shape{{"Age", 4.2, 1.2, 1.6, 0}}},
		{"Load balancer requests", "area", "Count/min", []shape{
			{"api", 62, 20, 7, 0}, {"web", 44, 16, 6, 0}, {"partner", 21, 6, 5, 0},
		}},
		{"Latency", "line", "Milliseconds", []shape{
			{"p50", 48, 6, 5, 0}, {"p90", 105, 16, 14, 0}, {"p99", 190, 32, 40, 70},
		}},
		{"HTTP errors", "bar", "Count", []shape{{"4xx", 11, 5, 8, 0}, {"5xx", 1.5, 1, 2, 14}}},
		{"Orders queue", "line", "Messages", []shape{{"Visible", 340, 130, 90, 260}, {"InFlight", 180, 50, 36, 0}}},
		{"CPU utilization", "line", "Percent", []shape{
			{"payments-a", 46, 13, 9, 0}, {"payments-b", 39, 12, 9, 0}, {"payments-c", 54, 15, 10, 22},
		}},
		{"Database connections", "line", "Count", []shape{
			{"writer", 128, 30, 10, 0}, {"reader-1", 92, 24, 9, 0}, {"reader-2", 71, 20, 8, 0},
		}},
		{"Function concurrency", "area", "Count", []shape{
			{"capture", 34, 12, 6, 0}, {"settle", 20, 8, 5, 0}, {"refund", 7, 2, 3, 0},
		}},
		{"Function duration", "line", "Milliseconds", []shape{{"capture", 310, 40, 46, 0}, {"settle", 520, 70, 60, 240}}},
		{"Table capacity", "area", "Units", []shape{{"read", 420, 150, 60, 0}, {"write", 210, 80, 46, 0}}},
		{"Cache hit rate", "line", "Percent", []shape{{"sessions", 97, 1.2, 0.9, 0}, {"catalogue", 93, 2.4, 1.6, 0}}},
		{"Network out", "area", "MB/s", []shape{{"az-a", 37, 12, 6, 0}, {"az-b", 33, 11, 6, 0}}},
		{"Settlements", "bar", "Count", []shape{{"settled", 46, 20, 12, 0}, {"held", 4, 2, 3, 0}}},
	}
	step := now.Unix() / int64(poll/time.Second)
	widgets := make([]widget, len(catalogue))
	seed := uint64(0)
	for i, entry := range catalogue {
		widgets[i] = widget{Title: entry.title, Kind: entry.kind, Unit: entry.unit}
		for _, shape := range entry.shapes {
			seed++
			values := make([]float64, points)
			for k := range values {
				values[k] = shape.at(seed, step-points+1+int64(k))
			}
			widgets[i].Series = append(widgets[i].Series, line{shape.name, values})
		}
	}
	return widgets
}

// at is the metric's value at one step.
func (s shape) at(seed uint64, step int64) float64 {
	x := float64(step)
	v := s.level + s.swing*math.Sin(x*2*math.Pi/points+float64(seed%5)/2)
	for octave := range 3 { // rough at every scale, as real load is
		scale := float64(int(16) >> (2 * octave))
		v += s.rough / float64(octave+1) * (2*noise(seed*8+uint64(octave), x/scale) - 1)
	}
	if s.spike > 0 {
		v += s.spike * math.Pow(noise(seed+977, x/3), 12)
	}
	return math.Round(max(0, v)*1000) / 1000
}

// noise goes smoothly between values from 0 to 1 at the whole numbers.
func noise(seed uint64, x float64) float64 {
	whole := math.Floor(x)
	t := x - whole
	t = t * t * (3 - 2*t)
	return hash(seed, int64(whole))*(1-t) + hash(seed, int64(whole)+1)*t
}

// hash is splitmix64, to 0…1.
func hash(seed uint64, n int64) float64 {
	z := seed*0x9e3779b97f4a7c15 + uint64(n)*0xbf58476d1ce4e5b9
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
