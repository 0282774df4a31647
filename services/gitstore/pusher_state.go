package gitstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	remoteBehind = prometheus.NewDesc("netraven_gitstore_remote_behind_seconds", "Age of the oldest change that is not at the remote; 0 when all are.", []string{"remote"}, nil)
	remoteFails  = prometheus.NewDesc("netraven_gitstore_remote_failures", "Pushes to the remote that failed since the last that worked.", []string{"remote"}, nil)
)

// Describe names the metrics.
func (p *pusher) Describe(out chan<- *prometheus.Desc) {
	out <- remoteBehind
	out <- remoteFails
}

// Collect answers them for each remote that is pushed to.
func (p *pusher) Collect(out chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.watched {
		if r.Enabled {
			out <- prometheus.MustNewConstMetric(remoteBehind, prometheus.GaugeValue, p.behind(r.BehindSince).Seconds(), r.Name)
			out <- prometheus.MustNewConstMetric(remoteFails, prometheus.GaugeValue, float64(r.Failures), r.Name)
		}
	}
}

func (p *pusher) behind(since *time.Time) time.Duration {
	if since == nil {
		return 0
	}
	return max(p.s.now().Sub(*since), 0)
}

// health is what /readyz says of the remotes: no name, no place, no error, for it is public. Nil: there is none.
func (p *pusher) health() map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	count, failing, behind := 0, 0, time.Duration(0)
	for _, r := range p.watched {
		if !r.Enabled {
			continue
		}
		count++
		if r.Reason != "" {
			failing++
		}
		behind = max(behind, p.behind(r.BehindSince))
	}
	if count == 0 {
		return nil
	}
	return map[string]any{"count": count, "failing": failing, "behind_seconds": int64(behind.Seconds())}
}

// register offers the metrics. Nil: to nobody.
func (p *pusher) register(to prometheus.Registerer) error {
	if to == nil {
		return nil
	}
	return to.Register(p)
}
