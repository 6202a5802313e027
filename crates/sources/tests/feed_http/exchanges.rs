//! One exchange with each provider, written from its public documentation, and how it can go wrong.

use super::server::Reply;
use super::setup::noon;

/// A request and its answer.
pub(crate) struct Exchange {
    /// The file of `config/feeds`.
    pub(crate) file: &'static str,
    pub(crate) subject: &'static str,
    /// Path and query that must be asked for.
    pub(crate) target: &'static str,
    pub(crate) body: &'static str,
    /// What must be observed, as `setup::said` writes it.
    pub(crate) said: &'static str,
    /// Changes to the body, and what must come of them.
    pub(crate) bad: &'static [Bad],
}

pub(crate) struct Bad {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// Metrics that must not have a value; all of them if empty.
    pub(crate) unknown: &'static [&'static str],
    /// What the trouble must say.
    pub(crate) says: &'static [&'static str],
}

const fn bad(
    from: &'static str,
    to: &'static str,
    unknown: &'static [&'static str],
    says: &'static [&'static str],
) -> Bad {
    Bad {
        from,
        to,
        unknown,
        says,
    }
}

impl Exchange {
    pub(crate) fn reply(&self) -> Reply {
        Reply::json(self.body).dated(noon())
    }
}

pub(crate) const ALL: &[Exchange] = &[
    Exchange {
        file: "coinbase",
        subject: "price:USDC-USD",
        target: "/products/USDC-USD/ticker",
        body: r#"{"trade_id":86326522,"price":"0.99984","size":"698.25","time":"2026-03-02T11:59:57.833Z","bid":"0.9998","ask":"0.9999","volume":"53602.03940154"}"#,
        said: "price=0.99984@11:59:57",
        bad: &[
            bad(
                "price",
                "last_price",
                &[],
                &["coinbase: $.price: ", "renamed"],
            ),
            bad(
                "\"0.99984\"",
                "\"0.0\"",
                &[],
                &["$.price is \"0.0\"", "cannot be"],
            ),
            bad(
                "\"0.99984\"",
                "\"n/a\"",
                &[],
                &["$.price is \"n/a\"", "not a decimal number"],
            ),
            bad(
                "11:59:57.833Z",
                "17:59:57.833Z",
                &[],
                &["$.time is 2026-03-02T17:59:57Z", "future"],
            ),
            bad(
                "11:59:57.833Z",
                "11:59:57.833",
                &[],
                &["$.time is \"2026-03-02T11:59:57.833\""],
            ),
        ],
    },
    Exchange {
        file: "kraken",
        subject: "price:BTC-USD",
        target: "/0/public/Ticker?pair=XBTUSD",
        body: r#"{"error":[],"result":{"XXBTZUSD":{"a":["67187.10000","1","1.000"],"b":["67187.00000","1","1.000"],"c":["67187.00000","0.00067643"],"v":["4083.6","4412.7"],"p":["66911.3","66856.8"],"t":[34619,38907],"l":["65000.0","64900.1"],"h":["67800.0","67800.0"],"o":"66502.10000"}}}"#,
        said: "price=67187@12:00:00",
        bad: &[
            bad("\"c\"", "\"last\"", &[], &["kraken: $.c[0]: "]),
            bad(
                "\"result\":",
                "\"results\":",
                &[],
                &["kraken: $.result.*: ", "no such record"],
            ),
            bad(
                r#""error":[],"result":{"XXBTZUSD":"#,
                r#""error":["EQuery:Unknown asset pair"],"other":{"X":"#,
                &[],
                &["$.result.*"],
            ),
            bad(
                "\"67187.00000\",\"0.0",
                "\"-67187.00000\",\"0.0",
                &[],
                &["$.c[0] is \"-67187.00000\"", "cannot be"],
            ),
            bad(
                "{\"XXBTZUSD\":",
                "{\"XETHZUSD\":{\"c\":[\"1\",\"1\"]},\"XXBTZUSD\":",
                &[],
                &["2 records", "one is expected"],
            ),
        ],
    },
    Exchange {
        file: "binance",
        subject: "price:USDC-USDT",
        target: "/api/v3/ticker/price?symbol=USDCUSDT",
        body: r#"{"symbol":"USDCUSDT","price":"1.00030000"}"#,
        said: "price=1.0003@12:00:00",
        bad: &[
            bad("\"price\"", "\"p\"", &[], &["binance: $.price: "]),
            bad(
                "USDCUSDT",
                "BTCUSDT",
                &[],
                &["$.symbol is \"BTCUSDT\"", "must be `USDCUSDT`"],
            ),
            bad(
                "\"1.00030000\"",
                "true",
                &[],
                &["$.price is true", "not a number"],
            ),
            bad(
                "\"1.00030000\"",
                "1e99",
                &[],
                &["$.price is", "outside the 256-bit range"],
            ),
        ],
    },
    Exchange {
        file: "coingecko",
        subject: "price:USDC-USD",
        target: "/api/v3/coins/markets?vs_currency=usd&ids=usd-coin&precision=full",
        body: r#"[{"id":"usd-coin","symbol":"usdc","name":"USDC","current_price":0.99982345678901234567,"market_cap":74000000000,"price_change_24h":null,"last_updated":"2026-03-02T11:58:31.736Z"}]"#,
        said: "price=0.999823456789012345@11:58:31",
        bad: &[
            bad(
                "current_price",
                "price",
                &[],
                &["coingecko: $.current_price"],
            ),
            bad(
                "0.99982345678901234567",
                "null",
                &[],
                &["$.current_price is null"],
            ),
            bad(
                "usd-coin",
                "usd-coin-bridged",
                &[],
                &["$.id is \"usd-coin-bridged\""],
            ),
            bad(
                "11:58:31.736Z",
                "11:58:31.736-05:00",
                &[],
                &["$.last_updated", "future"],
            ),
            bad(
                "0.99982345678901234567",
                "99982345678.90",
                &[],
                &["cannot be"],
            ),
        ],
    },
    Exchange {
        file: "pyth",
        subject: "price:BTC-USD",
        target: "/hermes/v2/updates/price/latest?ids[]=e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43&parsed=true&encoding=hex",
        body: r#"{"binary":{"encoding":"hex","data":["504e41550100"]},"parsed":[{"id":"e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43","price":{"price":"6140993501000","conf":"3287868567","expo":-8,"publish_time":1772452798},"ema_price":{"price":"6094934000000","conf":"4060400000","expo":-8,"publish_time":1772452798},"metadata":{"slot":139,"proof_available_time":1772452799,"prev_publish_time":1772452797}}]}"#,
        said: "price=61409.93501@11:59:58 price_confidence=32.87868567@11:59:58",
        bad: &[
            bad(
                "\"6140993501000\"",
                "\"6140993501000.5.5\"",
                &["price"],
                &["pyth: $.price.price is"],
            ),
            bad(
                "\"expo\":-8,\"publish_time\":1772452798},\"ema",
                "\"exponent\":-8,\"publish_time\":1772452798},\"ema",
                &[],
                &["$.price.expo", "no exponent"],
            ),
            bad(
                "\"expo\":-8,\"publish_time\":1772452798},\"ema",
                "\"expo\":800,\"publish_time\":1772452798},\"ema",
                &[],
                &["$.price.expo is 800"],
            ),
            bad(
                "\"publish_time\":1772452798},\"ema",
                "\"publish_time\":1772470798},\"ema",
                &[],
                &["$.price.publish_time", "future"],
            ),
            bad("e62df6", "f62df6", &[], &["$.id is"]),
        ],
    },
    Exchange {
        file: "redstone",
        subject: "price:ETH-USD",
        target: "/prices?symbol=ETH&provider=redstone&limit=1",
        body: r#"[{"id":"6b7f1c6d-9a1a","symbol":"ETH","provider":"I-5rWUehEv-MjdK9gFw09RxfSLQX9DIHxG614Wf8qo0","value":3421.5543,"permawebTx":"mock","version":"0.4","source":{"binance":3421.6},"timestamp":1772452740000,"liteEvmSignature":"0x00"}]"#,
        said: "price=3421.5543@11:59:00",
        bad: &[
            bad("\"value\"", "\"price\"", &[], &["redstone: $.value"]),
            bad("\"ETH\"", "\"WETH\"", &[], &["$.symbol is \"WETH\""]),
            bad("1772452740000", "1772452740", &[], &["$.timestamp"]),
            bad("3421.5543", "{}", &[], &["$.value is {}", "not a number"]),
        ],
    },
    Exchange {
        file: "open-meteo",
        subject: "place:40.69/-74.17",
        target: "/v1/forecast?latitude=40.69&longitude=-74.17&current=temperature_2m,precipitation,wind_speed_10m,wind_gusts_10m&timeformat=unixtime",
        body: r#"{"latitude":40.69,"longitude":-74.17,"generationtime_ms":0.05,"utc_offset_seconds":0,"timezone":"GMT","timezone_abbreviation":"GMT","elevation":5.0,"current_units":{"time":"unixtime","interval":"seconds","temperature_2m":"°C","precipitation":"mm","wind_speed_10m":"km/h","wind_gusts_10m":"km/h"},"current":{"time":1772452800,"interval":900,"temperature_2m":-3.4,"precipitation":0.20,"wind_speed_10m":37.04,"wind_gusts_10m":74.08}}"#,
        said: "temperature_c=-3.4@12:00:00 precipitation_mm=0.2@12:00:00 wind_kt=20@12:00:00 wind_gust_kt=40@12:00:00",
        bad: &[
            // 1,048 mph
            bad(
                "74.08",
                "1686.6",
                &["wind_gust_kt"],
                &[
                    "open-meteo: $.wind_gusts_10m is 1686.6",
                    "the sensor or the provider is broken",
                ],
            ),
            bad(
                "\"wind_gusts_10m\":\"km/h\"",
                "\"wind_gusts_10m\":\"m/s\"",
                &[],
                &[
                    "$.current_units.wind_gusts_10m is \"m/s\"",
                    "must be `km/h`",
                ],
            ),
            bad(
                "\"wind_speed_10m\":37.04",
                "\"windspeed_10m\":37.04",
                &["wind_kt"],
                &["$.wind_speed_10m"],
            ),
            bad(
                "\"time\":1772452800",
                "\"time\":\"2026-03-02T12:00\"",
                &[],
                &["$.time is \"2026-03-02T12:00\""],
            ),
            bad(
                "\"time\":1772452800",
                "\"time\":1772470800",
                &[],
                &["$.time is 2026-03-02T17:00:00Z", "future"],
            ),
            bad(
                "-3.4",
                "null",
                &["temperature_c"],
                &["$.temperature_2m is null"],
            ),
        ],
    },
    Exchange {
        file: "noaa-nws",
        subject: "station:KEWR",
        target: "/stations/KEWR/observations/latest?require_qc=true",
        body: r#"{"id":"https://api.weather.gov/stations/KEWR/observations/2026-03-02T10:51:00+00:00","type":"Feature","geometry":{"type":"Point","coordinates":[-74.17,40.69]},"properties":{"@type":"wx:ObservationStation","elevation":{"unitCode":"wmoUnit:m","value":9},"station":"https://api.weather.gov/stations/KEWR","timestamp":"2026-03-02T10:51:00+00:00","temperature":{"unitCode":"wmoUnit:degC","value":1.7,"qualityControl":"V"},"windSpeed":{"unitCode":"wmoUnit:km_h-1","value":27.78,"qualityControl":"V"},"windGust":{"unitCode":"wmoUnit:km_h-1","value":55.56,"qualityControl":"S"}}}"#,
        said: "temperature_c=1.7@10:51:00 wind_kt=15@10:51:00 wind_gust_kt=30@10:51:00",
        bad: &[
            bad(
                "\"value\":55.56",
                "\"value\":1686.592512",
                &["wind_gust_kt"],
                &["noaa-nws: $.windGust.value is 1686.592512", "cannot be"],
            ),
            bad(
                "\"value\":55.56",
                "\"value\":null",
                &["wind_gust_kt"],
                &["$.windGust.value is null"],
            ),
            bad(
                "wmoUnit:km_h-1\",\"value\":55.56",
                "wmoUnit:m_s-1\",\"value\":55.56",
                &[],
                &["$.windGust.unitCode is \"wmoUnit:m_s-1\""],
            ),
            bad(
                "stations/KEWR\",\"timestamp",
                "stations/KJFK\",\"timestamp",
                &[],
                &["$.station is"],
            ),
            bad(
                "\"timestamp\":\"2026-03-02T10:51:00+00:00\"",
                "\"timestamp\":\"2026-03-02T10:51:00-05:00\"",
                &[],
                &["$.timestamp is 2026-03-02T15:51:00Z", "future"],
            ),
            bad("\"windGust\"", "\"gust\"", &[], &["$.windGust.unitCode"]),
        ],
    },
    Exchange {
        file: "usgs",
        subject: "quakes:38.7223/-9.1393/100",
        target: "/fdsnws/event/1/query?format=geojson&latitude=38.7223&longitude=-9.1393&maxradiuskm=100&minmagnitude=4.5",
        body: r#"{"type":"FeatureCollection","metadata":{"generated":1772452799000,"url":"https://earthquake.usgs.gov/fdsnws/event/1/query","title":"USGS Earthquakes","status":200,"api":"1.14.1","count":3},"features":[
            {"type":"Feature","properties":{"mag":6.1,"place":"20 km W of Lisbon","time":1772445000000,"updated":1772449200040,"tz":null,"status":"reviewed","tsunami":0,"sig":600,"net":"us","code":"7000abcd","type":"earthquake","title":"M 6.1"},"geometry":{"type":"Point","coordinates":[-9.3456,38.7012,12.5]},"id":"us7000abcd"},
            {"type":"Feature","properties":{"mag":5.2,"time":1772448000000,"updated":1772449300040,"status":"automatic","type":"earthquake"},"geometry":{"type":"Point","coordinates":[-9.1,38.6,10]},"id":"us7000abce"},
            {"type":"Feature","properties":{"mag":4.6,"time":1772446000000,"updated":1772449400040,"status":"reviewed","type":"quarry blast"},"geometry":{"type":"Point","coordinates":[-9.2,38.6,0]},"id":"us7000abcf"}]}"#,
        said: "magnitude=6.1@11:00:00 latitude=38.7012@11:00:00 longitude=-9.3456@11:00:00 status=\"reviewed\"@11:00:00",
        bad: &[
            bad(
                "\"mag\":6.1",
                "\"mag\":61",
                &["magnitude"],
                &["usgs: $.properties.mag is 61", "cannot be"],
            ),
            bad(
                "\"mag\":6.1",
                "\"magnitude\":6.1",
                &["magnitude"],
                &["$.properties.mag: "],
            ),
            bad(
                "\"status\":\"reviewed\",\"tsunami\"",
                "\"status\":\"verified\",\"tsunami\"",
                &[],
                &[
                    "$.properties.status is verified",
                    "neither what counts nor what does not",
                ],
            ),
            bad(
                "\"type\":\"earthquake\",\"title\"",
                "\"type\":\"earthquake swarm\",\"title\"",
                &[],
                &["$.properties.type is earthquake swarm"],
            ),
            bad(
                "\"updated\":1772449200040",
                "\"updated\":1772467200040",
                &[],
                &["$.properties.updated is 2026-03-02T16:00:00Z", "future"],
            ),
            bad(
                "\"features\"",
                "\"events\"",
                &[],
                &["$.features[*]", "no such list"],
            ),
            bad(
                "\"status\":200",
                "\"status\":503",
                &[],
                &["$.metadata.status is 503"],
            ),
            bad(
                "\"id\":\"us7000abcd\"",
                "\"id\":null",
                &[],
                &["$.id is null"],
            ),
        ],
    },
    Exchange {
        file: "gdacs",
        subject: "disasters:PRT/FL",
        target: "/gdacsapi/api/events/geteventlist/EVENTS4APP",
        body: r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","bbox":[-8.6,41.1,-8.6,41.1],"geometry":{"type":"Point","coordinates":[-8.61,41.15]},"properties":{"eventtype":"FL","eventid":1103456,"episodeid":2,"eventname":"","name":"Flood in Portugal","alertlevel":"Orange","alertscore":1.5,"istemporary":"false","iscurrent":"true","country":"Portugal","fromdate":"2026-03-01T01:00:00","todate":"2026-03-02T01:00:00","datemodified":"2026-03-02T09:30:05","iso3":"ESP","affectedcountries":[{"iso2":"ES","iso3":"ESP","countryname":"Spain"},{"iso2":"PT","iso3":"PRT","countryname":"Portugal"}],"source":"GLOFAS","severitydata":{"severity":0.0,"severitytext":"Magnitude 0","severityunit":""}}},
            {"type":"Feature","geometry":{"type":"Point","coordinates":[142.3,38.1]},"properties":{"eventtype":"EQ","eventid":1467001,"episodeid":1,"alertlevel":"Green","alertscore":1,"datemodified":"2026-03-02T08:00:00","iso3":"JPN","affectedcountries":[]}}]}"#,
        said: "status=\"orange\"@09:30:05 alert_score=1.5@09:30:05 latitude=41.15@09:30:05 longitude=-8.61@09:30:05",
        bad: &[
            bad(
                "\"affectedcountries\":[{",
                "\"countries\":[{",
                &[],
                &["$.properties.affectedcountries[*].iso3: ", "no such field"],
            ),
            bad(
                "\"alertlevel\":\"Orange\"",
                "\"alertlevel\":\"Purple\"",
                &["status"],
                &["gdacs: $.properties.alertlevel is \"Purple\"", "no status"],
            ),
            bad(
                "\"alertscore\":1.5",
                "\"alertscore\":15",
                &["alert_score"],
                &["$.properties.alertscore is 15"],
            ),
            bad(
                "2026-03-02T09:30:05",
                "2026-03-02T19:30:05",
                &[],
                &["$.properties.datemodified", "future"],
            ),
            bad(
                "2026-03-02T09:30:05",
                "02/03/2026 09:30",
                &[],
                &["$.properties.datemodified is \"02/03/2026 09:30\""],
            ),
            bad(
                "\"eventtype\":\"FL\"",
                "\"eventtype\":\"XX\"",
                &[],
                &["$.properties.eventtype is XX"],
            ),
        ],
    },
    Exchange {
        file: "trueusd-reserves",
        subject: "reserves:TUSD",
        target: "/v1/chainlink/proof-of-reserves/TrueUSD",
        body: r#"{"accountName":"TrueUSD","totalTrust":501928900.88,"totalToken":495516082.7536497890123,"updatedAt":"2026-03-02T11:55:35.628Z","token":[{"tokenName":"TUSD (AVAX)","totalTokenByChain":845723.78}],"ripcord":false,"ripcordDetails":[]}"#,
        said: "reserves=501928900.88@11:55:35 liabilities=495516082.7536497890123@11:55:35",
        bad: &[
            bad(
                "\"ripcord\":false",
                "\"ripcord\":true",
                &[],
                &["trueusd-reserves: $.ripcord is true", "must be `false`"],
            ),
            bad(
                "totalTrust",
                "totalReserve",
                &["reserves"],
                &["$.totalTrust"],
            ),
            bad("501928900.88", "-1", &["reserves"], &["$.totalTrust is -1"]),
            bad(
                "11:55:35.628Z",
                "16:55:35.628Z",
                &[],
                &["$.updatedAt", "future"],
            ),
        ],
    },
    Exchange {
        file: "kraken-withdrawals",
        subject: "exchange:kraken",
        target: "/0/public/Assets",
        body: r#"{"error":[],"result":{"XXBT":{"aclass":"currency","altname":"XBT","decimals":10,"display_decimals":5,"collateral_value":1,"status":"deposit_only"},"ZUSD":{"aclass":"currency","altname":"USD","decimals":4,"display_decimals":2,"status":"funding_temporarily_disabled"}}}"#,
        said: "withdrawals_halted=true@12:00:00",
        bad: &[
            bad(
                "\"deposit_only\"",
                "\"paused\"",
                &[],
                &["kraken-withdrawals: $.status is \"paused\"", "no status"],
            ),
            bad(
                "\"status\":\"deposit_only\"",
                "\"state\":\"deposit_only\"",
                &[],
                &["$.status: "],
            ),
            bad("\"result\"", "\"assets\"", &[], &["$.result.*"]),
        ],
    },
    Exchange {
        file: "coinbase-withdrawals",
        subject: "withdrawals:coinbase/USDC",
        target: "/currencies/USDC",
        body: r#"{"id":"USDC","name":"USDC","min_size":"0.000001","status":"online","message":"","max_precision":"0.000001","convertible_to":["USD"],"default_network":"ethereum","supported_networks":[{"id":"ethereum","name":"Ethereum","status":"online"},{"id":"solana","name":"Solana","status":"offline"}]}"#,
        said: "withdrawals_enabled=true@12:00:00",
        bad: &[
            bad(
                "\"status\":\"online\"},",
                "\"status\":\"degraded\"},",
                &[],
                &["coinbase-withdrawals: $.status is \"degraded\""],
            ),
            bad(
                "\"supported_networks\"",
                "\"networks\"",
                &[],
                &["$.supported_networks[*]"],
            ),
            bad(
                "\"id\":\"USDC\"",
                "\"id\":\"USDT\"",
                &[],
                &["$.id is \"USDT\""],
            ),
        ],
    },
    Exchange {
        file: "kraken-statuspage",
        subject: "statuspage:kraken",
        target: "/api/v2/incidents/unresolved.json",
        body: r#"{"page":{"id":"nybx5qg5zgv2","name":"Kraken","url":"https://status.kraken.com","updated_at":"2026-03-02T11:40:10.000Z"},"incidents":[{"id":"x1","name":"Withdrawals delayed","status":"investigating","impact":"critical","created_at":"2026-03-02T10:00:00.000Z"},{"id":"x2","name":"Slow charts","status":"monitoring","impact":"minor"}]}"#,
        said: "grave_incidents=1@12:00:00",
        bad: &[
            bad(
                "\"critical\"",
                "\"catastrophic\"",
                &[],
                &["kraken-statuspage: $.impact is catastrophic"],
            ),
            bad(
                "\"incidents\"",
                "\"events\"",
                &[],
                &["$.incidents[*]", "no such list"],
            ),
        ],
    },
];
