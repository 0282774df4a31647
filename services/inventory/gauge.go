package inventory

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// countEvery is how often the gauges are brought up to date: they change with the hours, and a scrape must not cost a query.
const countEvery = 30 * time.Second

// gaugeHours are the ages that the gauges tell: a day, two and a week.
var gaugeHours = []int32{24, 48, 168}

// gauges are what Prometheus sees of the devices.
type gauges struct {
	enabled, never prometheus.Gauge
	missing        *prometheus.GaugeVec
}

func newGauges(r prometheus.Registerer) (*gauges, error) {
	g := &gauges{
		enabled: prometheus.NewGauge(prometheus.GaugeOpts{Name: "netraven_devices_enabled", Help: "Devices that are to be backed up."}),
		never:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "netraven_devices_never_backed_up", Help: "Enabled devices that never had a complete backup."}),
		missing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "netraven_devices_without_backup", Help: "Enabled devices without a complete backup of the last hours, those that never had one included.",
		}, []string{"hours"}),
	}
	if r == nil {
		return g, nil
	}
	for _, c := range []prometheus.Collector{g.enabled, g.never, g.missing} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// countOnce brings the gauges up to date.
func (s *Service) countOnce(ctx context.Context) error {
	for _, hours := range gaugeHours {
		n, err := s.store.q.CountCoverage(ctx, s.since(hours))
		if err != nil {
			return err
		}
		s.gauges.enabled.Set(float64(n.Devices))
		s.gauges.never.Set(float64(n.Never))
		s.gauges.missing.WithLabelValues(strconv.Itoa(int(hours))).Set(float64(n.Missing))
	}
	return nil
}

// count keeps the gauges up to date until ctx ends. What it cannot count stays as it was.
func (s *Service) count(ctx context.Context) {
	t := time.NewTicker(countEvery)
	defer t.Stop()
	for {
		if err := s.countOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the devices without a backup could not be counted", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
