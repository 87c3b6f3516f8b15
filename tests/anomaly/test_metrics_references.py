"""Numbers of the authors' packages for scores of a real series, and of one with every edge.

They are rounded to 12 decimals.
"""

import numpy as np
import pytest

from tsrnn.anomaly.metrics import (
    affiliation,
    nab_points,
    nab_score,
    range_auc_pr,
    range_auc_roc,
    range_precision_recall,
    vus_pr,
    vus_roc,
)
from tsrnn.datasets import load_nyc_taxi

pytestmark = pytest.mark.slow

# (VUS-ROC, VUS-PR) and the last slice of either volume, by scores and window, as given by
# RangeAUC_volume_opt of TSB-AD 1.5; that of vus 0.0.6 gives the same to 1e-12 for windows up to 20.
VOLUMES = {
    ("week", 7): [0.755001407356, 0.334922763708, 0.75865149583, 0.337160959642],
    ("z", 7): [0.547187976146, 0.111799050317, 0.552211580871, 0.113536423396],
    ("jump", 7): [0.444690340002, 0.084927435441, 0.448758359468, 0.085810156634],
    ("level", 7): [0.501995251087, 0.09587876911, 0.506914224911, 0.097105059513],
    ("coarse", 7): [0.448173006924, 0.092133411715, 0.450646231986, 0.093175916908],
    ("noise", 7): [0.50396107033, 0.101370802337, 0.508522660001, 0.102590685625],
    ("late", 20): [0.827503689673, 0.534304131114, 0.841697889728, 0.552959348765],
    ("z", 100): [0.608632399252, 0.133086569396, 0.662549796494, 0.153957998917],
    ("jump", 100): [0.503755801503, 0.100157361278, 0.558780495853, 0.115813589279],
    ("z", 1): [0.542475178135, 0.110193230398, 0.542475178135, 0.110193230398],
    ("edges", 0): [0.501302857143, 0.123848905379, 0.501302857143, 0.123848905379],
    ("edges", 7): [0.567022852725, 0.150466066701, 0.626005915709, 0.176046711111],
    ("edges", 20): [0.651609942276, 0.19813002414, 0.754470377232, 0.266979028753],
    ("edges", 101): [0.846082829479, 0.470085904868, 0.956714185208, 0.737529744038],
    ("edges coarse", 20): [0.647449289188, 0.199479367307, 0.748138727315, 0.272566633243],
}

# Of what is flagged: (affiliation precision, recall), those of each event, as given by
# pr_from_events of affiliation-metrics-py, in TSB-AD 1.5 and in vus 0.0.6; and ts_precision and
# ts_recall of prts 1.0.0.3 for each of SETTINGS.
FLAGGED = {
    "jump": (
        [0.442434217685, 0.862730701351],
        [0.535806795673, 0.404911635707, 0.332929537654, 0.507936507937, 0.430586611456],
        [0.996556232017, 0.864702517162, 0.608251257472, 0.884182707552, 0.959960792551],
        [0.056701030928, 0.056701030928, 0.056701030928, 0.056701030928, 0.056701030928],
        [0.012560386473, 0.302043075684, 0.163008505917, 0.6, 0.00364331723],
    ),
    "week": (
        [0.758954673107, 0.95463950502],
        [0.409035502057, 0.793171654627, 1.0, 0.623896321571, 0.968669887279],
        [0.984303013306, 0.964788890385, 0.980135008208, 0.892750281337, 0.951220331863],
        [0.555555555556, 0.555555555556, 0.555555555556, 0.555555555556, 0.555555555556],
        [0.133333333333, 0.514155518395, 0.40364737426, 1.0, 0.033717948718],
    ),
    "level": (
        [0.457513950546, 0.798175250031],
        [0.670022513884, 0.353989813243, 0.329210366923, 0.430318073175, 0.504028985507],
        [0.993654221698, 0.6772913208, 0.596555813048, 0.897080698711, 0.826294195897],
        [0.123076923077, 0.123076923077, 0.123076923077, 0.123076923077, 0.123076923077],
        [0.021256038647, 0.305779682274, 0.171856508876, 0.6, 0.005509878608],
    ),
    "z": (
        [0.466487765518, 0.845101667617],
        [0.523092208848, 0.414489164087, 0.285472919124, 0.43758043758, 0.671804097951],
        [0.992104029249, 0.918289436293, 0.591587370559, 0.771660247204, 0.951867254778],
        [0.111111111111, 0.111111111111, 0.111111111111, 0.111111111111, 0.111111111111],
        [0.021256038647, 0.304160473182, 0.168819341716, 0.6, 0.0084262356],
    ),
    "coarse": (
        [0.43531343313, 0.86274299395],
        [0.545542488014, 0.384042827657, 0.310578259166, 0.507997793712, 0.428405797101],
        [0.996617695013, 0.864702517162, 0.608251257472, 0.884182707552, 0.959960792551],
        [0.048979591837, 0.048979591837, 0.048979591837, 0.048979591837, 0.048979591837],
        [0.013526570048, 0.302087536055, 0.163466161243, 0.6, 0.003554396489],
    ),
    "noise": (
        [0.526473289351, 0.966705742962],
        [0.497907897494, 0.509690402477, 0.585059559863, 0.527756327756, 0.511952259165],
        [0.99559196226, 0.968683163578, 0.963784209248, 0.948370730979, 0.957098648743],
        [0.105, 0.105, 0.105, 0.105, 0.105],
        [0.020289855072, 0.502200235352, 0.263646449704, 1.0, 0.005261365044],
    ),
    "taxi late": (
        [0.968508733083, 0.996013763681],
        [0.994766444296, 0.973414995289, 0.958391488689, 0.95579430362, 0.960176433522],
        [0.999337524594, 0.99663480953, 0.994733099834, 0.99440434223, 0.994959042218],
        [0.855072463768, 0.731744704571, 0.978400222965, 0.957008136095, 0.978400222965],
        [0.855072463768, 0.865872352285, 0.967756102071, 1.0, 0.978400222965],
    ),
    "taxi in pieces": (
        [0.970149136138, 0.993992186776],
        [0.994201067475, 0.974858924533, 0.960876685286, 0.957994468633, 0.962814534762],
        [0.999082103521, 0.995503731622, 0.990645400094, 0.99252357948, 0.992206119163],
        [0.805194805195, 0.782947487295, 0.827442123094, 0.806493506494, 0.827442123094],
        [0.573913043478, 0.541130156076, 0.730385539941, 1.0, 0.109044035674],
    ),
    "edges late": (
        [0.971154032327, 0.992737310971],
        [0.967346938776, 0.976031215162, 0.943888070692, 0.968503937008, 1.0],
        [1.0, 0.997101449275, 0.995755003032, 0.976377952756, 0.994452149792],
        [0.699327731092, 0.626862745098, 0.771792717087, 0.749638047138, 0.771792717087],
        [0.699327731092, 0.713431372549, 0.762228535354, 0.8, 0.771792717087],
    ),
    "edges in pieces": (
        [0.97199122178, 0.991497875457],
        [0.961904761905, 0.971673254282, 0.957874155706, 0.968503937008, 1.0],
        [0.997142857143, 0.996014492754, 0.994542146756, 0.976377952756, 0.993411927878],
        [0.69696969697, 0.679653679654, 0.714285714286, 0.704545454545, 0.714285714286],
        [0.577226890756, 0.561568627451, 0.695361952862, 0.8, 0.427394957983],
    ),
    "edges top": (
        [0.596322937735, 0.928323391361],
        [0.589285714286, 0.373188405797, 1.0, 0.666929133858, 0.352211434736],
        [0.962857142857, 0.892436594203, 0.85938447544, 0.992125984252, 0.934812760055],
        [0.088235294118, 0.088235294118, 0.088235294118, 0.088235294118, 0.088235294118],
        [0.061764705882, 0.333323996265, 0.202239057239, 0.6, 0.056881419234],
    ),
}
SETTINGS = [
    {"alpha": 0.0, "bias": "flat", "precision_bias": "flat", "cardinality": "one"},
    {"alpha": 0.5, "bias": "front", "precision_bias": "back", "cardinality": "reciprocal"},
    {"alpha": 0.25, "bias": "middle", "precision_bias": "front", "cardinality": "one"},
    {"alpha": 1.0, "bias": "back", "precision_bias": "middle", "cardinality": "reciprocal"},
    {"alpha": 0.0, "bias": "back", "precision_bias": "front", "cardinality": "reciprocal"},
]

# Score, threshold and points of three files (see FILES) as given by Sweeper.calcScoreByThreshold
# and Runner.normalize of NAB 1.1 (numenta/NAB, nab/sweeper.py at d62afec) on scores divided by
# their largest plus 1; with nothing flagged NAB's threshold is 1.1 where ours is infinite.
CORPUS = {
    ("week", "standard"): (75.755570330148, 13769.0, 2.575557033015),
    ("week", "reward_low_FP_rate"): (59.355325480795, 13769.0, 0.935532548079),
    ("week", "reward_low_FN_rate"): (83.837046886765, 13769.0, 2.575557033015),
    ("z", "standard"): (35.063217359022, 2.589261110385, -1.493678264098),
    ("z", "reward_low_FP_rate"): (33.963217359022, 2.589261110385, -1.603678264098),
    ("z", "reward_low_FN_rate"): (36.708811572682, 2.589261110385, -4.493678264098),
    ("jump", "standard"): (36.867532111372, 7674.0, -1.313246788863),
    ("jump", "reward_low_FP_rate"): (36.867532111372, 7674.0, -1.313246788863),
    ("jump", "reward_low_FN_rate"): (37.911688074248, 7674.0, -4.313246788863),
    ("level", "standard"): (18.153690878043, 882780.0, -3.184630912196),
    ("level", "reward_low_FP_rate"): (18.153690878043, 882780.0, -3.184630912196),
    ("level", "reward_low_FN_rate"): (18.769127252029, 882780.0, -7.184630912196),
    ("coarse", "standard"): (36.867532111372, 7.0, -1.313246788863),
    ("coarse", "reward_low_FP_rate"): (36.867532111372, 7.0, -1.313246788863),
    ("coarse", "reward_low_FN_rate"): (37.911688074248, 7.0, -4.313246788863),
    ("noise", "standard"): (39.719811037509, 9952.0, -1.028018896249),
    ("noise", "reward_low_FP_rate"): (0.0, np.inf, -5.0),
    ("noise", "reward_low_FN_rate"): (59.81320735834, 9952.0, -1.028018896249),
    ("late", "standard"): (98.180573735168, 14574.0, 4.818057373517),
    ("late", "reward_low_FP_rate"): (97.81249674391, 14835.0, 4.781249674391),
    ("late", "reward_low_FN_rate"): (98.787049156779, 14574.0, 4.818057373517),
}
# A threshold, and (points, tp, fp, fn, tn) of each file as given by Sweeper.scoreDataSet.
AT_THRESHOLD = {
    "week": (
        9497,
        [
            [-0.503497162909, 2, 12, 205, 5531],
            [-0.729284380397, 23, 15, 184, 1053],
            [-0.35261362385, 116, 29, 505, 1322],
        ],
    ),
    "z": (
        2.045456841177,
        [
            [-10.885004061599, 7, 108, 200, 5435],
            [-2.049325715822, 2, 27, 205, 1041],
            [-3.235845614638, 13, 24, 608, 1327],
        ],
    ),
    "jump": (
        4161,
        [
            [-10.746637608683, 7, 108, 200, 5435],
            [-3.699359167029, 0, 25, 207, 1043],
            [-1.822205618884, 7, 26, 614, 1325],
        ],
    ),
    "level": (
        645591,
        [
            [-10.326005323405, 14, 103, 193, 5440],
            [-4.409299402592, 0, 31, 207, 1037],
            [-1.909165714632, 8, 26, 613, 1325],
        ],
    ),
    "coarse": (
        4,
        [
            [-14.224631094658, 7, 140, 200, 5403],
            [-4.348248706331, 0, 31, 207, 1037],
            [-2.2842402047, 7, 31, 614, 1320],
        ],
    ),
    "noise": (
        9807,
        [
            [-11.177953917461, 5, 111, 202, 5432],
            [-1.456542766756, 3, 23, 204, 1045],
            [0.423972886001, 13, 25, 608, 1326],
        ],
    ),
    "late": (
        13007,
        [
            [0.860303688659, 36, 6, 171, 5537],
            [0.858301505836, 35, 6, 172, 1062],
            [2.626548490448, 107, 17, 514, 1334],
        ],
    ),
}
FILES = slice(0, 6500), slice(6500, 8000), slice(8000, None)


def taxi():
    """Labels, and the scores of simple detectors: whole numbers, but for z."""
    series, events = load_nyc_taxi(return_events=True)
    labels = np.zeros(len(series), dtype=int)
    for start, end in zip(events["start"], events["end"], strict=True):
        labels[series.index.get_loc(start) : series.index.get_loc(end) + 1] = 1
    x, rolling = series.to_numpy(), series.rolling(48)
    jump, noise = np.abs(np.diff(x, prepend=x[0])), np.arange(x.size) * 7919 % 10007
    total = np.append(0, np.cumsum(x))
    return labels, {
        "jump": jump,
        "week": np.abs(x - np.append(x[:336], x[:-336])),
        "level": np.append(np.zeros(47), np.abs(48 * x[47:] - total[48:] + total[:-48])),
        "z": ((series - rolling.mean()) / rolling.std()).abs().fillna(0.0).to_numpy(),
        "coarse": jump // 1000,
        "noise": noise,
        "late": np.roll(labels, 30) * 5000 + noise,
    }


def edges():
    """Anomalies at both ends, two near each other, and one of one step; scores with ties."""
    t = np.arange(400)
    ends, near = [*range(5), *range(393, 400)], [*range(100, 120), *range(123, 140)]
    scores = (t * t * 7919 + 31 * t) % 1009
    labels = np.isin(t, [*ends, *near, 200]).astype(int)
    return labels, {"edges": scores, "edges coarse": scores // 200}


SCORED = {name: (labels, x) for labels, of in (taxi(), edges()) for name, x in of.items()}


def flagged(name):
    """Labels and what is flagged: by the highest scores, late, or late and in pieces."""
    series, _, how = name.partition(" ")
    labels, scores = SCORED["z" if series == "taxi" else series]
    t, late = np.arange(labels.size), np.roll(labels, 30 if series == "taxi" else 2)
    if how == "late":
        return labels, late
    if how == "in pieces":
        return labels, late * (t // 11 % 3 != 0 if series == "taxi" else t % 7 != 0)
    return labels, scores >= np.sort(scores)[-200 if how != "top" else -40]


@pytest.mark.parametrize(("name", "window"), VOLUMES)
def test_volumes_under_surfaces(name, window):
    labels, scores = SCORED[name]
    numbers = [
        metric(labels, scores, window) for metric in (vus_roc, vus_pr, range_auc_roc, range_auc_pr)
    ]
    np.testing.assert_allclose(numbers, VOLUMES[name, window], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", FLAGGED)
def test_affiliation(name):
    both, of_events, recalls, _, _ = FLAGGED[name]
    scores = affiliation(*flagged(name))
    np.testing.assert_allclose(scores[:2], both, rtol=0, atol=1e-10)
    np.testing.assert_allclose(scores.event_precision, of_events, rtol=0, atol=1e-10)
    np.testing.assert_allclose(scores.event_recall, recalls, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", FLAGGED)
def test_range_precision_and_recall(name):
    numbers = [range_precision_recall(*flagged(name), **setting) for setting in SETTINGS]
    np.testing.assert_allclose(np.transpose(numbers), FLAGGED[name][3:], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("name", "profile"), CORPUS)
def test_nab_corpus_with_its_best_threshold(name, profile):
    labels, scores = ([x[part] for part in FILES] for x in SCORED[name])
    best = nab_score(labels, scores, profile=profile)
    score, threshold, points = CORPUS[name, profile]
    np.testing.assert_allclose([best.score, best.points], [score, points], rtol=0, atol=1e-10)
    assert best.threshold == pytest.approx(threshold, rel=1e-9)


@pytest.mark.parametrize("name", AT_THRESHOLD)
def test_nab_files_at_a_threshold(name):
    threshold, rows = AT_THRESHOLD[name]
    threshold *= 1 - 1e-9  # as the scores were divided and the threshold multiplied
    labels, scores = ([x[part] for part in FILES] for x in SCORED[name])
    files = nab_score(labels, scores, threshold=threshold).files
    np.testing.assert_allclose(files[["points", "tp", "fp", "fn", "tn"]], rows, rtol=0, atol=1e-10)
    points = [nab_points(*file, threshold) for file in zip(labels, scores, strict=True)]
    np.testing.assert_array_equal(points, files["points"])


def test_published_nab_points_of_a_detector():
    # realKnownCause/nyc_taxi.csv in NAB's results/relativeEntropy, standard profile; the steps are
    # those that this detector flags, three of them in the probation.
    labels, _ = SCORED["z"]
    scores = np.zeros(labels.size)
    scores[[171, 188, 861, 5941, 7199, 8548, 8877, 10075, 10086, 10105]] = 1
    file = nab_score([labels], [scores], threshold=0.5).files.iloc[0]
    assert file["points"] == pytest.approx(3.83335967699, abs=1e-11)
    assert file[["tp", "tn", "fp", "fn"]].tolist() == [7, 8534, 1, 1028]
