/* ---
description: >-
  One row per user with what the platform knows of the user, times and ratios derived from it, and
  the label. Numbers are as they are: scaling, encoding, shortening of tails and filling of gaps
  belong to each model and are learned from its training rows.
key: [customer_id]
columns:
  customer_id: {type: source, description: "Who."}
  first_order_hour: {type: bigint, description: "Hour of the day of the first order."}
  first_order_weekday: {type: bigint, description: "ISO weekday of the first order: 1 is Monday."}
  first_order_age_days: {type: bigint, description: "Days from the user's first order to the newest first order of any user."}
  first_order_price: {type: "decimal(18,4)", description: "Price of the first order, in yuan."}
  age_month: {type: bigint, description: "Age of the child in months."}
  city_num: {type: varchar, description: "Province, as a code such as GD, ZJ or HuB."}
  platform_num: {type: double, description: "Code of the device's platform; two values only, odd floats."}
  model_num: {type: double, description: "Code of the device's model."}
  app_num: {type: bigint, description: "Number of the platform's apps in use."}
  login_day: {type: bigint, description: "Days with a login."}
  has_logged_in: {type: boolean, description: "Whether there is a day with a login."}
  login_diff_time: {type: double, description: "Mean days between logins."}
  distance_day: {type: double, description: "Days from the last login to the end of the observation."}
  login_rhythm: {type: double, description: "Days since the last login against the mean between logins, a / (a + b), 0 to 1: above .5 the user is later than usual; null where both are 0."}
  login_time: {type: double, description: "Time logged in."}
  login_time_per_day: {type: double, description: "Time logged in per day with a login; null without one."}
  launch_time: {type: double, description: "Launches of the app."}
  launches_per_login_day: {type: double, description: "Launches per day with a login; null without one."}
  chinese_subscribe_num: {type: bigint, description: "Subscriptions of the Chinese course's channel."}
  math_subscribe_num: {type: bigint, description: "Subscriptions of the mathematics course's channel."}
  add_friend: {type: bigint, description: "Whether the user added the teacher as a friend."}
  add_group: {type: bigint, description: "Whether the user joined the class group."}
  camp_num: {type: bigint, description: "Trial camps opened."}
  learn_num: {type: bigint, description: "Lessons begun."}
  finish_num: {type: bigint, description: "Lessons finished."}
  finished_share: {type: double, description: "Lessons finished, share of those begun, at most 1; null where none was begun."}
  study_num: {type: bigint, description: "Lessons studied again."}
  coupon: {type: bigint, description: "Coupons received."}
  n_contacts: {type: bigint, description: "How many ways the user let the platform come near: channels, teacher, class group."}
  course_order_num: {type: bigint, description: "Courses with an order, the trial included."}
  main_home: {type: bigint, description: "Views of the home page."}
  main_home2: {type: bigint, description: "Views of the second home page."}
  mainpage: {type: bigint, description: "Views of the main page."}
  schoolreportpage: {type: bigint, description: "Views of the school report."}
  main_mime: {type: bigint, description: "Views of the user's own page."}
  lightcoursetab: {type: bigint, description: "Views of the light courses."}
  main_learnpark: {type: bigint, description: "Views of the learning park."}
  partnergamebarrierspage: {type: bigint, description: "Views of the partner game."}
  evaulationcenter: {type: bigint, description: "Views of the evaluation centre."}
  coupon_visit: {type: bigint, description: "Views of the coupons."}
  click_buy: {type: bigint, description: "Clicks on buy; nearly constant."}
  progress_bar: {type: bigint, description: "Views of the progress bar."}
  ppt: {type: bigint, description: "Views of the slides."}
  task: {type: bigint, description: "Views of the tasks."}
  video_play: {type: bigint, description: "Videos played."}
  video_read: {type: bigint, description: "Videos for reading along opened."}
  next_nize: {type: bigint, description: "Views of the next item."}
  answer_task: {type: bigint, description: "Tasks answered."}
  chapter_module: {type: bigint, description: "Views of the chapters."}
  course_tab: {type: bigint, description: "Views of the course tab."}
  slide_subscribe: {type: bigint, description: "Swipes to subscribe."}
  baby_info: {type: bigint, description: "Views of the child's data."}
  click_notunlocked: {type: bigint, description: "Clicks on lessons that are not unlocked."}
  share: {type: bigint, description: "Shares."}
  click_dialog: {type: bigint, description: "Clicks on dialogs."}
  n_page_views: {type: bigint, description: "All views and clicks; 0 where the user is not in visit_info."}
  n_page_kinds: {type: bigint, description: "Kinds of pages and clicks with at least one."}
  label: {type: source, description: "Whether the user ordered the full course, that is, stands in result with a 1."}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_column_values_to_be_between: {column: first_order_hour, min_value: 0, max_value: 23}
  - expect_column_values_to_be_between: {column: first_order_age_days, min_value: 0}
  - expect_column_values_to_be_between: {column: login_rhythm, min_value: 0, max_value: 1}
--- */
select
    customer_id,
    cast(extract(hour from first_order_time) as bigint) as first_order_hour,
    cast(
        (date_diff('day', date '2000-01-03', cast(first_order_time as date)) % 7 + 7) % 7 + 1
        as bigint
    ) as first_order_weekday,
    cast(
        date_diff(
            'day', cast(first_order_time as date), max(cast(first_order_time as date)) over ()
        ) as bigint
    ) as first_order_age_days,
    first_order_price,
    age_month,
    city_num,
    platform_num,
    model_num,
    app_num,
    login_day,
    coalesce(login_day > 0, false) as has_logged_in,
    login_diff_time,
    distance_day,
    distance_day / nullif(distance_day + login_diff_time, 0) as login_rhythm,
    login_time,
    login_time / nullif(greatest(login_day, 0), 0) as login_time_per_day,
    launch_time,
    launch_time / nullif(greatest(login_day, 0), 0) as launches_per_login_day,
    chinese_subscribe_num,
    math_subscribe_num,
    add_friend,
    add_group,
    camp_num,
    learn_num,
    finish_num,
    case when learn_num > 0 then least(cast(finish_num as double) / learn_num, 1) end
        as finished_share,
    study_num,
    coupon,
    cast(
        case when chinese_subscribe_num > 0 then 1 else 0 end
        + case when math_subscribe_num > 0 then 1 else 0 end
        + case when add_friend > 0 then 1 else 0 end
        + case when add_group > 0 then 1 else 0 end as bigint
    ) as n_contacts,
    course_order_num,
    main_home,
    main_home2,
    mainpage,
    schoolreportpage,
    main_mime,
    lightcoursetab,
    main_learnpark,
    partnergamebarrierspage,
    evaulationcenter,
    coupon_visit,
    click_buy,
    progress_bar,
    ppt,
    task,
    video_play,
    video_read,
    next_nize,
    answer_task,
    chapter_module,
    course_tab,
    slide_subscribe,
    baby_info,
    click_notunlocked,
    share,
    click_dialog,
    cast(
        coalesce(main_home, 0)
        + coalesce(main_home2, 0)
        + coalesce(mainpage, 0)
        + coalesce(schoolreportpage, 0)
        + coalesce(main_mime, 0)
        + coalesce(lightcoursetab, 0)
        + coalesce(main_learnpark, 0)
        + coalesce(partnergamebarrierspage, 0)
        + coalesce(evaulationcenter, 0)
        + coalesce(coupon_visit, 0)
        + coalesce(click_buy, 0)
        + coalesce(progress_bar, 0)
        + coalesce(ppt, 0)
        + coalesce(task, 0)
        + coalesce(video_play, 0)
        + coalesce(video_read, 0)
        + coalesce(next_nize, 0)
        + coalesce(answer_task, 0)
        + coalesce(chapter_module, 0)
        + coalesce(course_tab, 0)
        + coalesce(slide_subscribe, 0)
        + coalesce(baby_info, 0)
        + coalesce(click_notunlocked, 0)
        + coalesce(share, 0)
        + coalesce(click_dialog, 0) as bigint
    ) as n_page_views,
    cast(
        case when main_home > 0 then 1 else 0 end
        + case when main_home2 > 0 then 1 else 0 end
        + case when mainpage > 0 then 1 else 0 end
        + case when schoolreportpage > 0 then 1 else 0 end
        + case when main_mime > 0 then 1 else 0 end
        + case when lightcoursetab > 0 then 1 else 0 end
        + case when main_learnpark > 0 then 1 else 0 end
        + case when partnergamebarrierspage > 0 then 1 else 0 end
        + case when evaulationcenter > 0 then 1 else 0 end
        + case when coupon_visit > 0 then 1 else 0 end
        + case when click_buy > 0 then 1 else 0 end
        + case when progress_bar > 0 then 1 else 0 end
        + case when ppt > 0 then 1 else 0 end
        + case when task > 0 then 1 else 0 end
        + case when video_play > 0 then 1 else 0 end
        + case when video_read > 0 then 1 else 0 end
        + case when next_nize > 0 then 1 else 0 end
        + case when answer_task > 0 then 1 else 0 end
        + case when chapter_module > 0 then 1 else 0 end
        + case when course_tab > 0 then 1 else 0 end
        + case when slide_subscribe > 0 then 1 else 0 end
        + case when baby_info > 0 then 1 else 0 end
        + case when click_notunlocked > 0 then 1 else 0 end
        + case when share > 0 then 1 else 0 end
        + case when click_dialog > 0 then 1 else 0 end as bigint
    ) as n_page_kinds,
    label,
from customers
