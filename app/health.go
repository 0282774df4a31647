package app

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health answers whether the process lives and whether it is ready for work.
type health struct {
	started atomic.Bool
	// agentReady is set where the local agent runs.
	agentReady func() bool
	// reports say more of a service, by its name: what is worth knowing and keeps nobody from work. Set before started.
	reports map[string]func() map[string]any
}

// report is what the services have to say.
func (h *health) report() map[string]any {
	out := map[string]any{}
	if !h.started.Load() {
		return out
	}
	for name, ask := range h.reports {
		if said := ask(); said != nil {
			out[name] = said
		}
	}
	return out
}

// ready names what is still missing; nothing missing means ready.
func (h *health) missing() []string {
	missing := []string{}
	if !h.started.Load() {
		missing = append(missing, "services")
	}
	if h.agentReady != nil && !h.agentReady() {
		missing = append(missing, "local agent")
	}
	return missing
}

// handler puts health and metrics before next.
func (h *health) handler(next http.Handler, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok", nil, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if missing := h.missing(); len(missing) > 0 {
			answer(w, http.StatusServiceUnavailable, "starting", missing, h.report())
			return
		}
		answer(w, http.StatusOK, "ready", nil, h.report())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.Handle("/", next)
	return mux
}

func answer(w http.ResponseWriter, code int, status string, waiting []string, reports map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := map[string]any{"status": status}
	if len(waiting) > 0 {
		body["waiting_for"] = waiting
	}
	if len(reports) > 0 {
		body["services"] = reports
	}
	_ = json.NewEncoder(w).Encode(body)
}
