package api

import (
	"context"
	"encoding/base32"
	"net/http"

	"vedette/internal/auth"
	"vedette/internal/fault"
)

type passwordIn struct {
	Change
	Body struct {
		Old      string `json:"old" maxLength:"1024"`
		Password string `json:"password" minLength:"12" maxLength:"1024"`
	}
}

type codesIn struct {
	Change
	Body struct {
		Password string `json:"password" maxLength:"1024" doc:"Yours, once more"`
		Secret   string `json:"secret" maxLength:"64" doc:"Of your authenticator, from POST /api/me/codes/secret"`
		Code     string `json:"code" maxLength:"10" doc:"That the authenticator shows now"`
	}
}

type offIn struct {
	Change
	Body struct {
		Password string `json:"password" maxLength:"1024" doc:"Yours, once more"`
	}
}

// Secret is one for an authenticator. It counts for nothing until a code proves it.
type Secret struct {
	Secret  string `json:"secret"`
	Address string `json:"address" doc:"For a QR code"`
}

// own are the operations of people about their own password and one-time codes.
func (s *server) own() {
	session := rule{session: true}
	operation(s, http.MethodPut, "/api/me/password", "Change your password", session, func(ctx context.Context, in *passwordIn) (*nothing, error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		return &nothing{}, s.Door.ChangePassword(ctx, by, in.Body.Old, in.Body.Password, who(ctx).visitor())
	})
	operation(s, http.MethodPost, "/api/me/codes/secret", "Get a secret for an authenticator", session, func(ctx context.Context, _ *nothing) (*body[Secret], error) {
		secret, err := auth.NewTOTP(s.Door.Random)
		if err != nil {
			return nil, err
		}
		return &body[Secret]{Secret{auth.TOTPText(secret), auth.TOTPAddress(secret, "Vedette "+s.Site, who(ctx).Name())}}, nil
	})
	operation(s, http.MethodPut, "/api/me/codes", "Turn one-time codes on", session, func(ctx context.Context, in *codesIn) (*nothing, error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(in.Body.Secret)
		if err != nil || len(secret) != 20 {
			return nil, fault.New(fault.Invalid, "the secret is not one of ours")
		}
		return &nothing{}, s.Door.UseCodes(ctx, by, in.Body.Password, secret, in.Body.Code, who(ctx).visitor())
	})
	operation(s, http.MethodPost, "/api/me/codes/off", "Turn one-time codes off", session, func(ctx context.Context, in *offIn) (*nothing, error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		return &nothing{}, s.Door.DropCodes(ctx, by, in.Body.Password, who(ctx).visitor())
	})
	operation(s, http.MethodGet, "/api/overview", "Get whether the promise is kept, and what was done today", needs(auth.ReadIncidents), s.overview)
}

// Day is what came of one day.
type Day struct {
	Date     string `json:"date"`
	Surfaced int    `json:"surfaced"`
	False    int    `json:"false" doc:"Judged benign by people"`
	Open     int    `json:"open" doc:"Not judged yet"`
}

// Overview is what Home shows.
type Overview struct {
	Budget    float64 `json:"budget" doc:"False incidents per 1,000 entities and day"`
	Entities  int     `json:"entities" doc:"Active in the last 7 days"`
	Learning  float64 `json:"learning" doc:"0 to 1"`
	Days      []Day   `json:"days"`
	Records   int64   `json:"records" doc:"Since midnight UTC, as are those below"`
	Events    int64   `json:"events"`
	Findings  int64   `json:"findings"`
	Incidents int     `json:"incidents"`
	Surfaced  int     `json:"surfaced"`
}

func (s *server) overview(ctx context.Context, _ *nothing) (*body[Overview], error) {
	p, err := s.Overview.Promise(ctx, who(ctx).Tenant())
	if err != nil {
		return nil, err
	}
	d, err := s.Overview.Done(ctx, who(ctx).Tenant())
	if err != nil {
		return nil, err
	}
	out := &body[Overview]{Overview{p.Budget, p.Entities, p.Learning, []Day{}, d.Records, d.Events, d.Findings, d.Incidents, d.Surfaced}}
	for _, day := range p.Days {
		out.Body.Days = append(out.Body.Days, Day{day.Date.UTC().Format("2006-01-02"), day.Surfaced, day.False, day.Open})
	}
	return out, nil
}
